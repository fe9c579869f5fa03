#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <keratin/arguments.hpp>
#include <keratin/call_context.hpp>
#include <keratin/config.hpp>
#include <keratin/constraints.hpp>
#include <keratin/dtype_policy.hpp>
#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/initializers.hpp>
#include <keratin/regularizers.hpp>
#include <keratin/symbolic.hpp>
#include <keratin/tensor.hpp>
#include <keratin/value.hpp>
#include <keratin/variable.hpp>

namespace keratin {

class Layer;
class LayerImpl;

using CallInputs = Arguments<Value>;
using SymbolicInputs = Arguments<SymbolicTensor>;

struct WeightOptions {
  Initializer initializer = "glorot_uniform";
  Regularizer regularizer = {};
  Constraint constraint = {};
  bool trainable = true;
  std::optional<DType> dtype = {};  // default: the layer's variable dtype
};

/// What a layer of one's own derives from. A minimal one:
///
///   class Scale final : public kt::LayerImpl {
///    public:
///     std::string class_name() const override { return "Scale"; }
///     void build(const std::vector<kt::Shape>& inputs) override {
///       scale_ = add_weight("scale", {inputs[0].back()}, {.initializer =
///       "ones"});
///     }
///     kt::Value call(kt::CallContext& ctx, const kt::Value& x) override {
///       return x * ctx.read(scale_);
///     }
///    private:
///     kt::Variable scale_;
///   };
///   kt::register_layer<Scale>("Scale");          // loads and saves by name
///   kt::Sequential model({kt::make_layer<Scale>(), ...});
///
/// Shapes given to build may have unknown dimensions (kUnknown); values given
/// to call never have.
class KERATIN_API LayerImpl : public Serializable,
                              public std::enable_shared_from_this<LayerImpl> {
 public:
  /// An empty name is made from the class name: "dense", "dense_1", ...
  explicit LayerImpl(
      std::string name = {}, DTypePolicy dtype = {}, bool trainable = true);
  ~LayerImpl() override;

  // -- what a layer says about itself ----------------------------------------

  std::string module() const override;  // "Custom"; built-ins: "keras.layers"

  /// The base visits name, trainable and dtype.
  void fields(FieldVisitor& visit) override;

  /// Makes the weights, once, before the first call. One shape per tensor.
  virtual void build(const std::vector<Shape>& input_shapes);

  /// One tensor in, one out. Override this or call_many.
  virtual Value call(CallContext& ctx, const Value& x);

  /// Any arguments, any number of results. The base expects one tensor and
  /// calls `call`.
  virtual std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs);

  /// Whether the layer passes a mask on or makes one (Keras's
  /// supports_masking). A layer that does not drops the mask.
  virtual bool supports_masking() const { return false; }

  /// The masks of the results. The base gives the first input's mask to every
  /// result when supports_masking().
  virtual std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs);

  /// Whether floating-point inputs are cast to the compute dtype.
  virtual bool casts_inputs() const { return true; }

  /// The static shapes and dtypes of the results. The base traces call_many
  /// with two different numbers in place of each unknown dimension; dimensions
  /// that differ then are unknown.
  struct Spec {
    Shape shape;
    DType dtype = DType::f32;
  };

  virtual std::vector<Spec> compute_output_spec(const Arguments<Spec>& inputs);

  // -- state ------------------------------------------------------------------

  const std::string& name() const;
  void set_name(std::string name);

  const DTypePolicy& dtype_policy() const { return dtype_; }

  DType compute_dtype() const { return dtype_.compute_dtype(); }

  DType variable_dtype() const { return dtype_.variable_dtype(); }

  bool trainable() const { return trainable_; }

  /// Sets the flag of this layer and all layers inside.
  virtual void set_trainable(bool trainable);

  bool built() const { return built_; }

  /// Builds unless built. Throws what build throws, and then is not built.
  void ensure_built(const std::vector<Shape>& input_shapes);

  /// Shapes the layer was built with; empty before.
  const std::vector<Shape>& build_shapes() const { return build_shapes_; }

  /// Own weights made trainable, then the others, then those of the layers
  /// inside: Keras's order of `layer.weights`. Seeds are not among them.
  std::vector<Variable> weights() const;
  std::vector<Variable> trainable_weights() const;
  std::vector<Variable> non_trainable_weights() const;

  /// Own weights only, in the order of `weights`.
  std::vector<Variable> own_weights() const;

  /// Counter states of random layers, u32[2] each.
  const std::vector<Variable>& seeds() const { return seeds_; }

  /// Layers inside, by the attribute Keras keeps them in ("cell", "layer").
  const std::vector<std::pair<std::string, Layer>>& sublayers() const {
    return sublayers_;
  }

  // -- calling
  // -----------------------------------------------------------------

  /// Builds if need be, names the nodes after the layer, casts, calls, adds
  /// activity losses and masks. What `layer(ctx, x)` does.
  std::vector<Value> invoke(CallContext& ctx, const CallInputs& inputs);

  /// What `layer(x)` does on symbolic tensors.
  std::vector<SymbolicTensor> invoke(const SymbolicInputs& inputs);

  /// One symbolic call. Owned by the tensors it yields, so that a model that is
  /// dropped takes its calls with it.
  struct CallNode {
    std::shared_ptr<LayerImpl> layer;
    SymbolicInputs arguments;
    std::vector<std::weak_ptr<SymbolicState>> outputs;
  };

  /// The symbolic calls so far; those of dropped tensors have expired.
  const std::vector<std::weak_ptr<CallNode>>& call_nodes() const {
    return call_nodes_;
  }

  /// The layer's name in error messages: "[dense_1: Dense]".
  std::string who() const;

 protected:
  /// REQUIRES: called from build (or a constructor).
  Variable add_weight(
      const std::string& name, const Shape& shape, WeightOptions options = {});

  /// State for random ops, seeded with `seed` or the next of set_random_seed.
  Variable add_seed_generator(std::optional<std::int64_t> seed = {});

  /// Makes a layer part of this one: its weights, losses, seeds, trainability.
  void add_sublayer(std::string attribute, const Layer& layer);
  void clear_sublayers();

  /// Set by layers with an activity_regularizer argument.
  Regularizer activity_regularizer_;

  /// For layers that make their own symbolic results (InputLayer).
  void record_call(const std::shared_ptr<CallNode>& node) {
    call_nodes_.push_back(node);
  }

  /// For errors in build: throws InvalidArgument "[name: Class] message".
  [[noreturn]] void fail(const std::string& message) const;

 private:
  friend class Layer;

  void warn_about_lost_mask(
      const CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& masks);

  mutable std::string name_;
  bool mask_warned_ = false;
  DTypePolicy dtype_;
  bool trainable_ = true;
  bool built_ = false;
  std::vector<Shape> build_shapes_;
  std::vector<Variable> trainable_variables_;
  std::vector<Variable> non_trainable_variables_;
  std::vector<Variable> seeds_;
  std::vector<std::pair<std::string, Layer>> sublayers_;
  std::vector<std::weak_ptr<CallNode>> call_nodes_;
  std::shared_ptr<void> array_programs_;  // of calls on arrays
};

/// A handle on a layer: copies are the same layer, with the same weights.
class KERATIN_API Layer {
 public:
  Layer() = default;  // none

  /// Gives the layer its automatic name if it has none.
  explicit Layer(std::shared_ptr<LayerImpl> impl);

  explicit operator bool() const { return impl_ != nullptr; }

  bool operator==(const Layer&) const = default;

  // -- on symbolic tensors: functional models
  // -----------------------------------

  SymbolicTensor operator()(const SymbolicTensor& x) const;
  SymbolicTensor operator()(const std::vector<SymbolicTensor>& xs) const;
  SymbolicTensor operator()(std::initializer_list<SymbolicTensor> xs) const;

  /// With keyword arguments, and any number of results.
  std::vector<SymbolicTensor> call(const SymbolicInputs& inputs) const;

  // -- on values: inside another layer's call
  // -----------------------------------

  Value operator()(CallContext& ctx, const Value& x) const;
  Value operator()(CallContext& ctx, const std::vector<Value>& xs) const;
  std::vector<Value> call(CallContext& ctx, const CallInputs& inputs) const;

  // -- on arrays: runs at once
  // ----------------------------------------------------

  Tensor operator()(const Tensor& x, bool training = false) const;

  const std::string& name() const;
  std::string class_name() const;
  Config get_config() const;

  bool trainable() const;
  void set_trainable(bool trainable);
  bool built() const;

  std::vector<Variable> weights() const;
  std::vector<Variable> trainable_weights() const;
  std::vector<Variable> non_trainable_weights() const;

  std::vector<Tensor> get_weights() const;

  /// One per weight, in order. Checks them all before it changes any: throws
  /// InvalidArgument listing every mismatch.
  void set_weights(const std::vector<Tensor>& values);

  std::int64_t count_params() const;

  /// The first symbolic call's. Throw InvalidArgument when there was none.
  SymbolicTensor input() const;
  SymbolicTensor output() const;

  LayerImpl& impl() const { return *impl_; }

  const std::shared_ptr<LayerImpl>& impl_ptr() const { return impl_; }

 protected:
  std::shared_ptr<LayerImpl> impl_;
};

/// A handle on a new layer of class Impl.
template <class Impl, class... Args>
Layer make_layer(Args&&... args) {
  return Layer(std::make_shared<Impl>(std::forward<Args>(args)...));
}

using LayerFactory = std::function<std::shared_ptr<LayerImpl>()>;

/// Makes a class of the user's own known to files under Keras's registered
/// name "package>name".
KERATIN_API void register_layer(
    const std::string& name,
    LayerFactory factory,
    const std::string& package = "Custom");

/// REQUIRES: Impl has a constructor without arguments.
template <class Impl>
void register_layer(
    const std::string& name, const std::string& package = "Custom") {
  register_layer(
      name, [] { return std::make_shared<Impl>(); }, package);
}

/// The layer a serialized object describes, not built. Throws InvalidArgument
/// with `where` for a class nobody registered, naming the nearest.
KERATIN_API Layer
deserialize_layer(const Config& config, const std::string& where = "layer");

/// All class names, sorted.
KERATIN_API std::vector<std::string> layer_names();

/// Forgets the counters behind automatic names: "dense" comes next again.
KERATIN_API void clear_session();

}  // namespace keratin
