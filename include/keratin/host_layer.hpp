#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/arguments.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/tensor.hpp>

namespace keratin {

using HostInputs = Arguments<Tensor>;

/// What a layer adds to LayerImpl when it computes on host arrays: strings in,
/// hashes, lookups. Derive from both:
///
///   class Lengths final : public kt::LayerImpl, public kt::HostLayer {
///    public:
///     std::string class_name() const override { return "Lengths"; }
///     std::vector<Spec> compute_output_spec(
///         const kt::Arguments<Spec>& x) override {
///       return {{x.tensors()[0].shape, kt::DType::i64}};
///     }
///     std::vector<kt::Tensor> call_host(const kt::HostInputs& x) override;
///   };
///
/// In a model, such layers run before the graph, batch by batch; the graph gets
/// what they yield. They have no trainable weights, and no gradient.
class KERATIN_API HostLayer {
 public:
  HostLayer() = default;
  HostLayer(const HostLayer&) = delete;
  HostLayer& operator=(const HostLayer&) = delete;
  virtual ~HostLayer();

  /// The results for arrays. Safe from several threads while nothing adapts the
  /// layer.
  virtual std::vector<Tensor> call_host(const HostInputs& inputs) = 0;

  /// Whether a call on inputs like these cannot be part of a graph. Layers that
  /// answer false have a `call` as well.
  virtual bool needs_host(const Arguments<LayerImpl::Spec>& inputs) const;

  /// What a ".keras" file keeps for the layer under assets/: names and
  /// contents.
  virtual std::map<std::string, std::string> save_assets() const { return {}; }

  /// Throws InvalidArgument for contents that do not fit.
  virtual void load_assets(const std::map<std::string, std::string>& assets) {
    (void)assets;
  }

  /// Arrays that the weights file keeps by name, beside the weights.
  virtual std::vector<std::pair<std::string, Tensor>> named_arrays() const {
    return {};
  }

  /// REQUIRES: the names are those of named_arrays(), of any shape.
  virtual void set_named_arrays(
      const std::vector<std::pair<std::string, Tensor>>& arrays) {
    (void)arrays;
  }

  /// Counts changes of what is not a weight (a vocabulary): programs that were
  /// compiled with an older state are not used again.
  std::int64_t state_version() const { return state_version_; }

 protected:
  void state_changed() { ++state_version_; }

 private:
  std::int64_t state_version_ = 0;
};

/// A layer with a state that comes from data (Keras's `adapt`).
class KERATIN_API Adaptable {
 public:
  virtual ~Adaptable();

  /// Forgets the state and finds it anew. Throws InvalidArgument when the state
  /// was given as an argument.
  virtual void adapt(const Tensor& data) = 0;

  // The same in parts: reset, update for each batch, finalize.
  virtual void reset_state() = 0;
  virtual void update_state(const Tensor& batch) = 0;
  virtual void finalize_state() = 0;

  /// Whether the state is known: adapted, given or read from a file.
  virtual bool adapted() const = 0;
};

/// What the layer adapts with. Throws InvalidArgument for a layer that has
/// nothing to adapt.
KERATIN_API Adaptable& adaptable(const Layer& layer);

/// Calls the layer's adapt.
KERATIN_API void adapt(const Layer& layer, const Tensor& data);

/// Adapts to the batches of a data::Dataset, or of any range of elements whose
/// x is a TensorSet of one; to the first `steps` of them when that is given.
template <class Batches>

requires requires(const Batches& batches) {
  (*batches.begin()).x.tensors();
}

void adapt(
    const Layer& layer,
    const Batches& batches,
    std::optional<std::int64_t> steps = {}) {
  Adaptable& state = adaptable(layer);
  state.reset_state();
  for (const auto& element : batches) {
    if (steps && (*steps)-- <= 0) break;
    state.update_state(element.x.tensors().at(0));
  }
  state.finalize_state();
}

}  // namespace keratin
