// Add, Subtract, Multiply, Average, Maximum and Minimum.

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <keratin/layers/merging.hpp>

#include "layers/merging/merge_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

enum class Kind { add, subtract, multiply, average, maximum, minimum };

constexpr std::array<const char*, 6> kNames = {
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"};

/// A value, and which of its elements count; no mask: all.
struct Masked {
  Value value;
  Value mask;
};

/// The mask of x's steps as one of x's elements: [batch, steps] -> x.shape.
Value element_mask(const Value& mask, const Value& x) {
  if (!mask) return {};
  return ops::broadcast_to(ops::expand_dims(mask, -1), x.shape());
}

class ElementwiseImpl final : public MergeLayer {
 public:
  explicit ElementwiseImpl(Kind kind) : kind_(kind) {}

  ElementwiseImpl(Kind kind, const LayerOptions& options)
      : MergeLayer(options), kind_(kind) {
    settle();
  }

  std::string class_name() const override {
    return kNames[static_cast<std::size_t>(kind_)];
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_inputs(inputs, kind_ == Kind::subtract ? 2 : 1);
    if (kind_ == Kind::subtract && inputs.size() != 2) {
      fail(format("expected two input tensors, got {}", inputs.size()));
    }
    check_broadcast(inputs);
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    std::vector<Masked> xs = aligned(ctx, inputs);
    switch (kind_) {
      case Kind::subtract:
        return {xs[0].value - xs[1].value};
      case Kind::multiply:
        return {multiply(std::move(xs))};
      case Kind::maximum:
        return {extreme(std::move(xs), [](const Value& a, const Value& b) {
          return ops::maximum(a, b);
        })};
      case Kind::minimum:
        return {extreme(std::move(xs), [](const Value& a, const Value& b) {
          return ops::minimum(a, b);
        })};
      case Kind::add:
      case Kind::average:
        break;
    }
    Value sum = xs[0].value;
    for (std::size_t i = 1; i < xs.size(); ++i) sum = sum + xs[i].value;
    if (kind_ == Kind::add || xs.size() == 1) return {sum};
    return {sum / static_cast<double>(xs.size())};
  }

  /// A step counts where it counts in any input; all inputs need a mask.
  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    (void)outputs;
    Value out;
    for (const Value& x : inputs.inputs()) {
      const Value mask = ctx.mask(x);
      if (!mask) return {Value()};
      out = out ? ops::logical_or(out, mask) : mask;
    }
    return {out};
  }

 private:
  /// The inputs in one dtype and of one rank.
  std::vector<Masked> aligned(CallContext& ctx, const CallInputs& inputs) {
    const std::vector<Value>& values = inputs.inputs();
    std::size_t rank = 0;
    for (const Value& x : values) rank = std::max(rank, x.rank());
    std::vector<Masked> out;
    for (const Value& x : values) {
      Value value = same_dtype(x, values);
      while (value.rank() < rank) value = ops::expand_dims(value, 1);
      // Keras looks for a mask on what it reshaped, and finds none.
      const bool reshaped = x.rank() < rank;
      out.push_back({value, reshaped ? Value() : ctx.mask(x)});
    }
    return out;
  }

  static Value multiply(const std::vector<Masked>& xs) {
    bool all = true;
    for (const Masked& x : xs) all = all && x.mask;
    Value product;
    Value mask;
    for (const Masked& x : xs) {
      Value value = x.value;
      if (const Value own = element_mask(x.mask, x.value)) {
        value = ops::where(own, value, ops::ones_like(value));
        if (all) mask = mask ? ops::logical_or(mask, own) : own;
      }
      product = product ? product * value : value;
    }
    if (!all || !mask) return product;
    return ops::where(mask, product, ops::zeros_like(product));
  }

  template <class F>
  static Value extreme(const std::vector<Masked>& xs, const F& op) {
    Value out;
    Value out_mask;
    for (const Masked& x : xs) {
      const Value mask = element_mask(x.mask, x.value);
      if (!out) {
        out = x.value;
        out_mask = mask;
        continue;
      }
      Value value = x.value;
      if (mask) value = ops::where(mask, value, out);
      if (out_mask) out = ops::where(out_mask, out, value);
      out_mask = mask && out_mask ? ops::logical_or(out_mask, mask) : Value();
      out = op(out, value);
    }
    return out;
  }

  Kind kind_;
};

template <Kind kKind>
std::shared_ptr<LayerImpl> make() {
  return std::make_shared<ElementwiseImpl>(kKind);
}

std::shared_ptr<LayerImpl> make(Kind kind, const LayerOptions& options) {
  return std::make_shared<ElementwiseImpl>(kind, options);
}

}  // namespace

std::shared_ptr<LayerImpl> make_add() {
  return make<Kind::add>();
}

std::shared_ptr<LayerImpl> make_subtract() {
  return make<Kind::subtract>();
}

std::shared_ptr<LayerImpl> make_multiply() {
  return make<Kind::multiply>();
}

std::shared_ptr<LayerImpl> make_average() {
  return make<Kind::average>();
}

std::shared_ptr<LayerImpl> make_maximum() {
  return make<Kind::maximum>();
}

std::shared_ptr<LayerImpl> make_minimum() {
  return make<Kind::minimum>();
}

Add::Add(LayerOptions options) : Layer(make(Kind::add, options)) {}

Subtract::Subtract(LayerOptions options)
    : Layer(make(Kind::subtract, options)) {}

Multiply::Multiply(LayerOptions options)
    : Layer(make(Kind::multiply, options)) {}

Average::Average(LayerOptions options) : Layer(make(Kind::average, options)) {}

Maximum::Maximum(LayerOptions options) : Layer(make(Kind::maximum, options)) {}

Minimum::Minimum(LayerOptions options) : Layer(make(Kind::minimum, options)) {}

SymbolicTensor add(const std::vector<SymbolicTensor>& inputs) {
  return Add()(inputs);
}

SymbolicTensor subtract(const std::vector<SymbolicTensor>& inputs) {
  return Subtract()(inputs);
}

SymbolicTensor multiply(const std::vector<SymbolicTensor>& inputs) {
  return Multiply()(inputs);
}

SymbolicTensor average(const std::vector<SymbolicTensor>& inputs) {
  return Average()(inputs);
}

SymbolicTensor maximum(const std::vector<SymbolicTensor>& inputs) {
  return Maximum()(inputs);
}

SymbolicTensor minimum(const std::vector<SymbolicTensor>& inputs) {
  return Minimum()(inputs);
}

}  // namespace keratin::layers
