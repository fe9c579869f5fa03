#include <array>
#include <utility>

#include <keratin/layers/merging.hpp>

#include "layers/merging/merge_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

/// Keras's normalize: by the L2 norm, bounded below by epsilon. Bounding the
/// sum keeps the gradient finite at zero.
Value unit(const Value& x, std::size_t axis) {
  const Value sum =
      ops::sum(ops::square(x), {static_cast<std::int64_t>(axis)}, true);
  return x * ops::rsqrt(ops::maximum(sum, 1e-14));
}

/// x's extents without the batch axis and `axis`.
std::vector<std::int64_t> rest(const Value& x, std::size_t axis) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 1; i < x.rank(); ++i) {
    if (i != axis) out.push_back(x.shape()[i]);
  }
  return out;
}

std::int64_t product(const std::vector<std::int64_t>& extents) {
  std::int64_t out = 1;
  for (const std::int64_t extent : extents) out *= extent;
  return out;
}

class DotImpl final : public MergeLayer {
 public:
  DotImpl() = default;

  DotImpl(Dims axes, DotOptions options)
      : MergeLayer(options), axes_(std::move(axes)), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "Dot"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("axes", axes_, {.required = true});
    visit("normalize", o_.normalize);
  }

  void build(const std::vector<Shape>& inputs) override {
    if (inputs.size() != 2) {
      fail(format("expected two input tensors, got {}", inputs.size()));
    }
    expect_inputs(inputs, 2);
    const auto [a, b] = axes_for(inputs[0], inputs[1]);
    const std::int64_t left = inputs[0][a];
    const std::int64_t right = inputs[1][b];
    if (left != right && left != kUnknown && right != kUnknown) {
      fail(format(
          "expected equal extents of axis {} of {} and axis {} of {}",
          a,
          inputs[0],
          b,
          inputs[1]));
    }
  }

  //   x: [n, rest..., k] -> [n, p, k]
  //   y: [n, k, rest...] -> [n, k, q]   result: [n, x's rest, y's rest]
  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    (void)ctx;
    const std::vector<Value>& values = inputs.inputs();
    Value x = same_dtype(values[0], values);
    Value y = same_dtype(values[1], values);
    const auto [a, b] = axes_for(x.shape(), y.shape());
    if (o_.normalize) {
      x = unit(x, a);
      y = unit(y, b);
    }
    const std::int64_t batch = x.shape()[0];
    const std::int64_t depth = x.shape()[a];
    const std::vector<std::int64_t> left = rest(x, a);
    const std::vector<std::int64_t> right = rest(y, b);
    const Value rows =
        ops::reshape(axis_to_last(x, a), {batch, product(left), depth});
    const Value columns =
        ops::reshape(axis_to_last(y, b), {batch, product(right), depth});
    Shape shape = {batch};
    for (const std::int64_t extent : left) shape.push_back(extent);
    for (const std::int64_t extent : right) shape.push_back(extent);
    if (shape.rank() == 1) shape.push_back(1);
    return {
        ops::reshape(ops::matmul(rows, columns, {.transpose_b = true}), shape)};
  }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    (void)ctx;
    (void)inputs;
    return std::vector<Value>(outputs.size());
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (axes_.single() || axes_.values().size() == 2) return;
    fail(format(
        "expected axes of one or two numbers, got {}",
        Config::ints(axes_.values()).dump()));
  }

 private:
  std::array<std::size_t, 2> axes_for(const Shape& x, const Shape& y) const {
    const std::vector<std::int64_t>& axes = axes_.values();
    const std::array<std::size_t, 2> out = {
        axis_of(x, axes[0]), axis_of(y, axes.back())};
    if (out[0] == 0 || out[1] == 0) {
      fail("expected axes other than the batch axis, 0");
    }
    return out;
  }

  Dims axes_;
  DotOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_dot() {
  return std::make_shared<DotImpl>();
}

Dot::Dot(Dims axes, DotOptions options)
    : Layer(std::make_shared<DotImpl>(std::move(axes), std::move(options))) {}

SymbolicTensor dot(
    const std::vector<SymbolicTensor>& inputs, Dims axes, bool normalize) {
  return Dot(std::move(axes), {.normalize = normalize})(inputs);
}

}  // namespace keratin::layers
