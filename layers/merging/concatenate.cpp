#include <utility>

#include <keratin/layers/merging.hpp>

#include "layers/merging/merge_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class ConcatenateImpl final : public MergeLayer {
 public:
  ConcatenateImpl() = default;

  explicit ConcatenateImpl(ConcatenateOptions options)
      : MergeLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "Concatenate"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("axis", o_.axis);
  }

  void build(const std::vector<Shape>& inputs) override {
    if (inputs.empty()) fail("expected a list of at least one tensor");
    const std::size_t axis = axis_of(inputs[0], o_.axis);
    for (const Shape& shape : inputs) {
      bool fits = shape.rank() == inputs[0].rank();
      for (std::size_t i = 0; fits && i < shape.rank(); ++i) {
        fits = i == axis || shape[i] == inputs[0][i] || shape[i] == kUnknown ||
               inputs[0][i] == kUnknown;
      }
      if (fits) continue;
      fail(format(
          "expected shapes that differ on axis {} only, got {}",
          o_.axis,
          list(inputs)));
    }
  }

  std::vector<Spec> compute_output_spec(
      const Arguments<Spec>& inputs) override {
    const std::vector<Spec> specs = inputs.tensors();
    if (specs.empty()) fail("expected a list of at least one tensor");
    return KerasLayer::compute_output_spec(
        agreed(inputs, axis_of(specs[0].shape, o_.axis)));
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    (void)ctx;
    const std::vector<Value>& values = inputs.inputs();
    std::vector<Value> parts;
    for (const Value& x : values) parts.push_back(same_dtype(x, values));
    return {ops::concatenate(parts, o_.axis)};
  }

  /// As Keras: the masks are joined like the inputs, as masks of elements, and
  /// a step counts when any of its elements does.
  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    (void)outputs;
    bool any = false;
    for (const Value& x : inputs.inputs()) any = any || ctx.mask(x);
    if (!any) return {Value()};
    std::vector<Value> masks;
    for (const Value& x : inputs.inputs()) {
      Value mask = ctx.mask(x);
      if (!mask) {
        mask = ops::full(ctx.graph(), x.shape(), 1, DType::boolean);
      } else if (mask.rank() < x.rank()) {
        mask = ops::broadcast_to(ops::expand_dims(mask, -1), x.shape());
      }
      masks.push_back(mask);
    }
    return {ops::any(ops::concatenate(masks, o_.axis), {-1})};
  }

 private:
  ConcatenateOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_concatenate() {
  return std::make_shared<ConcatenateImpl>();
}

Concatenate::Concatenate(ConcatenateOptions options)
    : Layer(std::make_shared<ConcatenateImpl>(std::move(options))) {}

SymbolicTensor concatenate(
    const std::vector<SymbolicTensor>& inputs, std::int64_t axis) {
  return Concatenate({.axis = axis})(inputs);
}

}  // namespace keratin::layers
