// Wrapper and TimeDistributed.

#include <utility>

#include <keratin/error.hpp>
#include <keratin/layers/wrappers.hpp>

#include "layers/base/operation.hpp"
#include "layers/base/probe.hpp"
#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"
#include "src/ir/graph.hpp"

namespace keratin::layers {

// -- Wrapper -----------------------------------------------------------------

WrapperImpl::WrapperImpl(
    Layer layer, std::string name, DTypePolicy dtype, bool trainable)
    : LayerImpl(std::move(name), std::move(dtype), trainable),
      layer_(std::move(layer)) {
  if (!layer_) throw InvalidArgument("[Wrapper] expected a layer, got none");
  layer_config_ = serialize(layer_.impl());
  add_sublayer("layer", layer_);
}

std::string WrapperImpl::module() const {
  return "keras.layers";
}

void WrapperImpl::fields(FieldVisitor& visit) {
  LayerImpl::fields(visit);
  visit("activity_regularizer", activity_regularizer_);
  visit("layer", layer_config_, {.required = true});
}

Config WrapperImpl::get_config() const {
  Config config = LayerImpl::get_config();
  if (!activity_regularizer_) config.erase("activity_regularizer");
  if (layer_) config["layer"] = serialize(layer_.impl());
  return config;
}

void WrapperImpl::from_config(const Config& config, const std::string& where) {
  LayerImpl::from_config(config, where);
  layer_ = deserialize_layer(layer_config_, where + ".layer");
  clear_sublayers();
  add_sublayer("layer", layer_);
}

void WrapperImpl::build(const std::vector<Shape>& inputs) {
  layer_.impl().ensure_built(inputs);
}

std::vector<Value> WrapperImpl::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  return layer_.call(ctx, inputs);
}

// -- TimeDistributed ---------------------------------------------------------

namespace {

/// The layer's own call, without what a call from outside adds (activity
/// losses, masks): what Keras's TimeDistributed does.
Value call_plainly(CallContext& ctx, const Layer& layer, const Value& x) {
  LayerImpl& impl = layer.impl();
  const DType dtype = impl.compute_dtype();
  const DType* previous = ctx.autocast();
  const LayerScope scope(x.graph(), impl.name());
  ctx.set_autocast(&dtype);
  std::vector<Value> results = impl.call_many(ctx, CallInputs(x));
  ctx.set_autocast(previous);
  if (results.size() != 1) {
    throw InvalidArgument(format(
        "{} yields {} tensors; TimeDistributed takes layers that yield one",
        impl.who(),
        results.size()));
  }
  return results[0];
}

/// Whether a row of the result depends on the same row of the input alone, as
/// far as the classes tell: what users write may mix the rows of a batch.
bool keeps_rows_apart(const LayerImpl& layer) {
  if (dynamic_cast<const OperationImpl*>(&layer) != nullptr) return false;
  if (layer.module() == "Custom" || layer.class_name() == "Function" ||
      layer.class_name() == "Lambda") {
    return false;
  }
  for (const auto& [attribute, inner] : layer.sublayers()) {
    if (!keeps_rows_apart(inner.impl())) return false;
  }
  return true;
}

class TimeDistributedImpl final : public WrapperImpl {
 public:
  TimeDistributedImpl() = default;

  TimeDistributedImpl(const Layer& layer, const WrapperOptions& options)
      : WrapperImpl(layer, options.name, options.dtype, options.trainable) {}

  std::string class_name() const override { return "TimeDistributed"; }

  void build(const std::vector<Shape>& inputs) override {
    const Shape& x = inputs[0];
    if (x.rank() < 3) {
      fail(format(
          "expected an input of rank >= 3, [batch, steps, ...], got {}", x));
    }
    Shape step = {x[0]};
    for (std::size_t i = 2; i < x.rank(); ++i) step.push_back(x[i]);
    layer().impl().ensure_built({step});
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    if (inputs.inputs().size() != 1) {
      fail(format("expected one input tensor, got {}", inputs.inputs().size()));
    }
    const Value x = inputs.inputs()[0];
    const Argument<Value>* given = inputs.find("mask");
    const Value mask = given != nullptr && !given->tensors.empty()
                           ? given->tensors[0]
                           : ctx.mask(x);
    if (mask) check_mask(mask, x);
    if (is_separable(ctx, x)) return {all_at_once(ctx, x, mask)};
    return {step_by_step(ctx, x, mask)};
  }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    const Argument<Value>* given = inputs.find("mask");
    const Value mask = given != nullptr && !given->tensors.empty()
                           ? given->tensors[0]
                           : ctx.mask(inputs.inputs()[0]);
    return std::vector<Value>(outputs.size(), mask);
  }

 private:
  void check_mask(const Value& mask, const Value& x) const {
    if (mask.rank() >= 2 && mask.shape()[0] == x.shape()[0] &&
        mask.shape()[1] == x.shape()[1]) {
      return;
    }
    fail(format(
        "expected a mask whose first axes are {}, got {}",
        Shape{x.shape()[0], x.shape()[1]},
        mask.shape()));
  }

  /// Whether all steps may be rows of one batch: a layer that changes state
  /// (batch normalisation while training, random choices) sees step by step.
  bool is_separable(const CallContext& ctx, const Value& x) const {
    if (!keeps_rows_apart(layer().impl())) return false;
    Graph graph;
    CallContext trial(graph, ctx.training());
    Shape step = {x.shape()[0]};
    for (std::size_t i = 2; i < x.rank(); ++i) step.push_back(x.shape()[i]);
    call_plainly(trial, layer(), graph.parameter({x.dtype(), step}, "x"));
    return trial.assigned().empty() && trial.losses().empty();
  }

  static Value join_first_axes(const Value& x) {
    Shape shape = {x.shape()[0] * x.shape()[1]};
    for (std::size_t i = 2; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
    return ops::reshape(x, shape);
  }

  //   [batch, steps, ...] -> [batch * steps, ...] -> layer -> and back
  Value all_at_once(CallContext& ctx, const Value& x, const Value& mask) const {
    const Value rows = join_first_axes(x);
    if (mask) ctx.set_mask(rows, join_first_axes(mask));
    const Value y = call_plainly(ctx, layer(), rows);
    if (y.rank() == 0 || y.shape()[0] != rows.shape()[0]) {
      fail(format(
          "expected the layer to keep the batch axis, got {} from {}",
          y.shape(),
          rows.shape()));
    }
    Shape shape = {x.shape()[0], x.shape()[1]};
    for (std::size_t i = 1; i < y.rank(); ++i) shape.push_back(y.shape()[i]);
    return ops::reshape(y, shape);
  }

  Value step_by_step(
      CallContext& ctx, const Value& x, const Value& mask) const {
    if (hide_probe(x.shape())[1] == kUnknown) return trial_step(ctx, x);
    const auto at = [](const Value& value, std::int64_t t) {
      return ops::squeeze(ops::slice_axis(value, 1, t, t + 1), {1});
    };
    std::vector<Value> ys;
    for (std::int64_t t = 0; t < x.shape()[1]; ++t) {
      const Value row = at(x, t);
      if (mask) ctx.set_mask(row, at(mask, t));
      ys.push_back(call_plainly(ctx, layer(), row));
    }
    if (ys.empty()) fail("expected at least one step, got none");
    return ops::stack(ys, 1);
  }

  /// While shapes are inferred for an unknown number of steps: one step tells
  /// what all of them yield.
  Value trial_step(CallContext& ctx, const Value& x) const {
    const Value y = call_plainly(
        ctx, layer(), ops::squeeze(ops::slice_axis(x, 1, 0, 1), {1}));
    Shape shape = {y.shape()[0], x.shape()[1]};
    for (std::size_t i = 1; i < y.rank(); ++i) shape.push_back(y.shape()[i]);
    return ops::broadcast_to(ops::expand_dims(y, 1), shape);
  }
};

class PlainWrapperImpl final : public WrapperImpl {
 public:
  PlainWrapperImpl() = default;

  PlainWrapperImpl(const Layer& layer, const WrapperOptions& options)
      : WrapperImpl(layer, options.name, options.dtype, options.trainable) {}
};

}  // namespace

std::shared_ptr<LayerImpl> make_wrapper() {
  return std::make_shared<PlainWrapperImpl>();
}

std::shared_ptr<LayerImpl> make_time_distributed() {
  return std::make_shared<TimeDistributedImpl>();
}

Wrapper::Wrapper(Layer layer, WrapperOptions options)
    : Layer(std::make_shared<PlainWrapperImpl>(layer, options)) {}

TimeDistributed::TimeDistributed(Layer layer, WrapperOptions options)
    : Layer(std::make_shared<TimeDistributedImpl>(layer, options)) {}

}  // namespace keratin::layers
