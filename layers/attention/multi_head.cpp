#include "layers/attention/multi_head.hpp"

#include <algorithm>

#include "layers/base/probe.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

void MultiHeadBase::visit_base(FieldVisitor& visit) {
  LayerImpl::fields(visit);
  visit("activity_regularizer", inner_activity_regularizer_);
}

void MultiHeadBase::visit_shared(FieldVisitor& visit) {
  visit("kernel_initializer", kernel_initializer_);
  visit("bias_initializer", bias_initializer_);
  visit("kernel_regularizer", kernel_regularizer_);
  visit("bias_regularizer", bias_regularizer_);
  visit("kernel_constraint", kernel_constraint_);
  visit("bias_constraint", bias_constraint_);
  visit("seed", seed_);
}

void MultiHeadBase::settle() {
  KerasLayer::settle();
  if (flash_attention_.value_or(false) && dropout_ > 0) {
    fail(format(
        "expected dropout=0 together with flash_attention, got {}", dropout_));
  }
}

Config MultiHeadBase::build_config() const {
  if (query_shape_.rank() == 0) return {};
  Config shapes = Config::object(
      {{"query_shape", shape_config(query_shape_)},
       {"value_shape", shape_config(value_shape_)}});
  if (key_shape_) shapes["key_shape"] = shape_config(*key_shape_);
  return Config::object({{"shapes_dict", std::move(shapes)}});
}

Shape MultiHeadBase::build_shape(const Value& x) {
  Shape shape = hide_probe(x.shape());
  if (shape.rank() > 0) shape[0] = kUnknown;
  return shape;
}

void MultiHeadBase::build(const std::vector<Shape>& inputs) {
  if (inputs.size() < 2) {
    fail(
        format("expected two tensors, query and value, got {}", inputs.size()));
  }
  if (dropout_ > 0) random_ = add_seed_generator(seed_);
  if (inputs.size() > 2) return;
  expect_heads(inputs[0], inputs[1]);
  query_shape_ = inputs[0];
  value_shape_ = inputs[1];
  make_projections(inputs[0], inputs[1], inputs[1]);
}

void MultiHeadBase::expect_heads(const Shape& query, const Shape& value) const {
  if (query.rank() >= 3 && value.rank() == query.rank()) return;
  fail(format(
      "expected query and value of one rank >= 3, got {} and {}",
      query,
      value));
}

MultiHeadBase::Call MultiHeadBase::read(
    CallContext& ctx, const CallInputs& inputs, bool mask_argument) {
  const CallArguments arguments(
      *this,
      inputs,
      {"query",
       "value",
       "key",
       "query_mask",
       "value_mask",
       "key_mask",
       "attention_mask"},
      {"return_attention_scores", "use_causal_mask"});
  Call call;
  call.query = arguments.tensor("query");
  call.value = arguments.tensor("value");
  call.key = arguments.tensor("key");
  call.scores = arguments.flag("return_attention_scores");
  if (!call.query || !call.value) {
    fail("expected two tensors, query and value");
  }
  expect_heads(call.query.shape(), call.value.shape());
  if (!projected()) {
    query_shape_ = build_shape(call.query);
    value_shape_ = build_shape(call.value);
    if (call.key) key_shape_ = build_shape(call.key);
    make_projections(
        query_shape_, value_shape_, key_shape_.value_or(value_shape_));
  }
  Value key_mask = arguments.tensor("key_mask");
  if (call.key) {
    const auto middle = [](const Value& x) {
      return std::vector<std::int64_t>(
          x.shape().begin() + 1, x.shape().end() - 1);
    };
    if (call.key.rank() < 3 || call.key.rank() != call.value.rank() ||
        middle(call.key) != middle(call.value)) {
      fail(format(
          "expected value and key of equal extents but the last, got {} and {}",
          call.value.shape(),
          call.key.shape()));
    }
    if (!key_mask) key_mask = ctx.mask(call.key);
  } else {
    call.key = call.value;
  }
  if (call.scores && flash_attention_.value_or(false)) {
    fail("expected no return_attention_scores together with flash_attention");
  }
  Value query_mask = arguments.tensor("query_mask");
  if (!mask_argument || !query_mask) query_mask = ctx.mask(call.query);
  Value value_mask = arguments.tensor("value_mask");
  if (!value_mask) value_mask = ctx.mask(call.value);
  const std::int64_t t = call.query.shape()[1];
  const std::int64_t s = call.value.shape()[1];
  Graph& graph = ctx.graph();
  if (query_mask) call.mask = ops::expand_dims(as_bool(query_mask), -1);
  if (value_mask) {
    call.mask = both(call.mask, ops::expand_dims(as_bool(value_mask), -2));
  }
  if (key_mask) {
    call.mask = both(call.mask, ops::expand_dims(as_bool(key_mask), -2));
  }
  if (arguments.flag("use_causal_mask")) {
    call.mask = both(call.mask, causal_mask(graph, t, s));
  }
  if (sliding_window_) {
    call.mask = both(call.mask, window_mask(graph, t, s, *sliding_window_));
  }
  call.mask = both(as_bool(arguments.tensor("attention_mask")), call.mask);
  return call;
}

std::vector<Value> MultiHeadBase::compute_masks(
    CallContext& ctx,
    const CallInputs& inputs,
    const std::vector<Value>& outputs) {
  std::vector<Value> masks(outputs.size());
  masks[0] = ctx.mask(inputs.inputs()[0]);
  return masks;
}

EinsumDense MultiHeadBase::projection(
    const Shape& input,
    const std::string& attribute,
    const std::string& name,
    const std::string& equation,
    std::vector<std::int64_t> output_shape,
    const std::string& bias_axes,
    const char* activation) {
  EinsumDense made(
      equation,
      std::move(output_shape),
      {.activation = activation,
       .bias_axes = use_bias_ ? std::optional(bias_axes) : std::nullopt,
       .kernel_initializer = kernel_initializer_,
       .bias_initializer = bias_initializer_,
       .kernel_regularizer = kernel_regularizer_,
       .bias_regularizer = bias_regularizer_,
       .activity_regularizer = inner_activity_regularizer_,
       .kernel_constraint = kernel_constraint_,
       .bias_constraint = bias_constraint_,
       .name = name,
       .dtype = dtype_policy(),
       .trainable = trainable()});
  add_sublayer(attribute, made);
  made.impl().ensure_built({input});
  return made;
}

Value MultiHeadBase::project(
    CallContext& ctx, const Layer& layer, const Value& x) {
  const Value mask = ctx.mask(x);
  if (mask) ctx.set_mask(x, Value());
  const Value y = layer(ctx, x);
  if (mask) ctx.set_mask(x, mask);
  return y;
}

namespace {

char letter(std::size_t index) {
  return static_cast<char>('a' + index);
}

bool is_attended(const std::vector<std::int64_t>& axes, std::size_t axis) {
  return std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(axis)) !=
         axes.end();
}

/// Of heads [batch, steps..., heads, features].
struct Equations {
  std::string scores;   // key, query -> scores
  std::string combine;  // scores, value -> y
};

Equations equations_of(
    std::size_t rank, const std::vector<std::int64_t>& axes) {
  std::string target;
  std::string source;
  std::string product;
  std::size_t next = rank;
  for (std::size_t i = 0; i < rank; ++i) {
    target += letter(i);
    const bool attended = is_attended(axes, i);
    source += attended ? letter(next++) : letter(i);
    if (!attended && i + 1 < rank) product += letter(i);
  }
  for (const std::int64_t axis : axes) {
    product += target[static_cast<std::size_t>(axis)];
  }
  for (const std::int64_t axis : axes) {
    product += source[static_cast<std::size_t>(axis)];
  }
  return {
      source + "," + target + "->" + product,
      product + "," + source + "->" + target};
}

/// Axes of extent 1 before those attended over, up to the rank of the scores.
Value spread_mask(const Value& mask, std::size_t rank, std::size_t axes) {
  Value out = mask;
  while (out.rank() < rank) {
    const std::int64_t at = -2 * static_cast<std::int64_t>(axes) - 1;
    // A mask of fewer axes than are attended over gets them in front.
    out = ops::expand_dims(
        out, -at > static_cast<std::int64_t>(out.rank()) + 1 ? 0 : at);
  }
  return out;
}

}  // namespace

MultiHeadBase::Attended MultiHeadBase::attend(
    CallContext& ctx,
    const Value& query,
    const Value& key,
    const Value& value,
    Value mask,
    const std::vector<std::int64_t>& axes,
    double scale,
    bool scores) const {
  const Equations equations = equations_of(query.rank(), axes);
  const std::size_t rank = query.rank() - 1 + axes.size();
  if (mask) mask = spread_mask(mask, rank, axes.size());
  // Keras's two ways differ in float16 and in rows that are masked altogether.
  if (dropout_ == 0 && !scores && query.rank() == 4) {
    return {ops::dot_product_attention(query, key, value, scale, mask), {}};
  }
  Value logits = ops::einsum(equations.scores, {key, query * scale});
  if (mask) {
    const double low = logits.dtype() == DType::f16 ? -3e4 : -1e9;
    logits = ops::where(mask, logits, ops::full_like(logits, low));
  }
  Value weights;
  if (axes.size() == 1) {
    weights = ops::softmax(logits, -1);
  } else {
    ops::Axes summed;
    for (std::size_t i = 0; i < axes.size(); ++i) {
      summed.push_back(-1 - static_cast<std::int64_t>(i));
    }
    weights = ops::exp(logits - ops::logsumexp(logits, summed, true));
  }
  if (mask) weights = ops::where(mask, weights, ops::zeros_like(weights));
  const Value dropped = drop(ctx, random_, weights, dropout_);
  return {ops::einsum(equations.combine, {dropped, value}), weights};
}

SymbolicInputs multi_head_arguments(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const MultiHeadAttentionCall& call,
    bool scores) {
  SymbolicInputs inputs(query);
  const auto add = [&](const char* name, const SymbolicTensor& tensor) {
    if (tensor) inputs.items.push_back({name, {tensor}});
  };
  inputs.items.push_back({"", {value}});
  add("key", call.key);
  add("query_mask", call.query_mask);
  add("value_mask", call.value_mask);
  add("key_mask", call.key_mask);
  add("attention_mask", call.attention_mask);
  const auto flag = [&](const char* name, bool set) {
    if (set) inputs.items.push_back({name, {}, false, Config(true)});
  };
  flag("return_attention_scores", scores);
  flag("use_causal_mask", call.use_causal_mask);
  return inputs;
}

}  // namespace keratin::layers
