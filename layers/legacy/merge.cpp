// Keras 1's Merge.

#include <utility>

#include <keratin/layers/legacy.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's backend.epsilon()

class MergeImpl final : public KerasLayer {
 public:
  MergeImpl() = default;

  explicit MergeImpl(MergeOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "Merge"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit(
        "mode",
        o_.mode,
        {.choices = {"sum", "mul", "concat", "ave", "cos", "dot", "max"}});
    visit("concat_axis", o_.concat_axis);
    visit("dot_axes", o_.dot_axes);
  }

  /// Also what Keras 1 wrote of functions it was given in place of a mode.
  void from_config(const Config& config, const std::string& where) override {
    Config known = config;
    if (const Config* kind = config.find("mode_type");
        kind != nullptr && kind->is_string() && kind->as_string() != "raw") {
      fail(format(
          "[{}] merges by Python code, which files cannot run; make a Function "
          "layer in its place",
          where));
    }
    for (const char* key :
         {"mode_type",
          "output_shape",
          "output_shape_type",
          "output_mask",
          "output_mask_type",
          "arguments",
          "node_indices",
          "tensor_indices"}) {
      known.erase(key);
    }
    // Pairs came as [[1], [2]] or [1, 2].
    if (const Config* axes = known.find("dot_axes");
        axes != nullptr && axes->is_array()) {
      Config flat = Config::array();
      for (const Config& axis : axes->as_array()) {
        const bool nested = axis.is_array() && axis.size() == 1;
        flat.push_back(nested ? axis.as_array()[0] : axis);
      }
      known["dot_axes"] = std::move(flat);
    }
    KerasLayer::from_config(known, where);
  }

  void build(const std::vector<Shape>& inputs) override {
    if (inputs.size() < 2) {
      fail(format("expected two or more inputs, got {}", inputs.size()));
    }
    const bool pair = o_.mode == "cos" || o_.mode == "dot";
    if (pair && inputs.size() != 2) {
      fail(format(
          "expected two inputs with mode \"{}\", got {}",
          o_.mode,
          inputs.size()));
    }
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    (void)ctx;
    const std::vector<Value> x = inputs.tensors();
    if (o_.mode == "concat") return {ops::concatenate(x, o_.concat_axis)};
    if (o_.mode == "dot") return {dot(x[0], x[1])};
    if (o_.mode == "cos") {
      const Value lengths =
          ops::sqrt(dot(x[0], x[0], 0, 0) * dot(x[1], x[1], 1, 1));
      return {ops::expand_dims(
          dot(x[0], x[1]) / ops::maximum(lengths, kEpsilon), 1)};
    }
    Value y = x[0];
    for (std::size_t i = 1; i < x.size(); ++i) {
      if (o_.mode == "mul") {
        y = y * x[i];
      } else if (o_.mode == "max") {
        y = ops::maximum(y, x[i]);
      } else {
        y = y + x[i];
      }
    }
    return {o_.mode == "ave" ? y / static_cast<double>(x.size()) : y};
  }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    (void)outputs;
    std::vector<Value> masks;
    for (const Value& x : inputs.tensors()) {
      if (const Value mask = ctx.mask(x)) masks.push_back(mask);
    }
    const bool all = masks.size() == inputs.tensors().size();
    if (!all || o_.mode == "cos" || o_.mode == "dot" || o_.mode == "max") {
      return {Value()};
    }
    if (o_.mode == "concat") {
      const std::size_t axis =
          axis_of(inputs.tensors()[0].shape(), o_.concat_axis);
      if (axis < masks[0].rank()) {
        return {ops::concatenate(masks, static_cast<std::int64_t>(axis))};
      }
    }
    Value mask = masks[0];
    for (std::size_t i = 1; i < masks.size(); ++i) {
      mask = ops::logical_and(mask, masks[i]);
    }
    return {mask};
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    const std::vector<std::int64_t>& axes = o_.dot_axes.values();
    if (axes.empty() || axes.size() > 2) {
      fail(format(
          "expected one of dot_axes, or one per input, got {}", axes.size()));
    }
  }

 private:
  /// Keras 1's batch_dot of inputs `first` and `second`.
  Value dot(
      const Value& a,
      const Value& b,
      std::size_t first = 0,
      std::size_t second = 1) const {
    const std::vector<std::int64_t>& axes = o_.dot_axes.values();
    const auto axis = [&](const Value& x, std::size_t which) {
      const std::int64_t given = axes.size() == 1 ? axes[0] : axes[which];
      const std::size_t found = axis_of(x.shape(), given);
      if (found == 0) fail("expected dot_axes without the batch axis, 0");
      return found;
    };
    const std::size_t at_a = axis(a, first);
    const std::size_t at_b = axis(b, second);
    // One letter per axis: a the batch, z what is summed.
    std::string left = "a";
    std::string right = "a";
    std::string out = "a";
    char next = 'b';
    for (std::size_t i = 1; i < a.rank(); ++i) {
      left += i == at_a ? 'z' : next;
      if (i != at_a) out += next++;
    }
    for (std::size_t i = 1; i < b.rank(); ++i) {
      right += i == at_b ? 'z' : next;
      if (i != at_b) out += next++;
    }
    const Value y = ops::einsum(left + "," + right + "->" + out, {a, b});
    return y.rank() == 1 ? ops::expand_dims(y, 1) : y;
  }

  MergeOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_merge() {
  return std::make_shared<MergeImpl>();
}

Merge::Merge(MergeOptions options)
    : Layer(std::make_shared<MergeImpl>(std::move(options))) {}

}  // namespace keratin::layers
