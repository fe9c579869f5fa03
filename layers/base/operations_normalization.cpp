// Keras's operations that normalise, attend, and measure how far off results
// are.

#include <cmath>
#include <numbers>

#include "layers/base/operation_table.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

constexpr double kEpsilon = 1e-7;  // keras.config.epsilon()

// -- normalisations
// ------------------------------------------------------------------

/// The operand in float32 at least, and what it is to be again.
struct Input {
  Value x;
  DType dtype;
  ops::Axes axes;
  double epsilon;
};

Input normalized_input(const OperationCall& call) {
  const Value x = call.tensor();
  const DType own = x.dtype();
  ops::Axes axes;
  for (std::int64_t axis : call.ints("axis")) {
    const auto rank = static_cast<std::int64_t>(x.rank());
    if (axis < -rank || axis >= rank) {
      call.fail(format("axis: expected axes of {}, got {}", x.shape(), axis));
    }
    axes.push_back(axis < 0 ? axis + rank : axis);
  }
  const double epsilon =
      call.given("epsilon") ? call.number("epsilon") : kEpsilon;
  return {ops::cast(x, promote({own, DType::f32})), own, axes, epsilon};
}

/// gamma or beta along the axes.
Value along(const Input& in, const Value& weight) {
  const Value w = ops::cast(weight, in.x.dtype());
  const auto last = static_cast<std::int64_t>(in.x.rank()) - 1;
  if (w.rank() == in.x.rank() || in.axes == ops::Axes{last}) return w;
  std::vector<std::int64_t> dims(in.x.rank(), 1);
  for (const std::int64_t axis : in.axes) {
    const auto at = static_cast<std::size_t>(axis);
    dims[at] = in.x.shape()[at];
  }
  return ops::reshape(w, Shape(std::move(dims)));
}

Results layer_norm(const OperationCall& call) {
  const Input in = normalized_input(call);
  const Value variance = ops::var(in.x, in.axes, true);
  Value y = in.x;
  // rms_scaling leaves the mean in, and divides by the deviation all the same.
  if (!call.flag("rms_scaling")) y = y - ops::mean(in.x, in.axes, true);
  y = y * ops::rsqrt(variance + in.epsilon);
  if (const Value gamma = call.optional(1, "gamma")) y = y * along(in, gamma);
  const Value beta = call.optional(2, "beta");
  if (beta && !call.flag("rms_scaling")) y = y + along(in, beta);
  return {ops::cast(y, in.dtype)};
}

Results rms_norm(const OperationCall& call) {
  const Input in = normalized_input(call);
  const Value squares = ops::mean(ops::square(in.x), in.axes, true);
  Value y = in.x * ops::rsqrt(squares + in.epsilon);
  if (const Value scale = call.optional(1, "scale")) {
    y = y * ops::cast(scale, in.x.dtype());
  }
  return {ops::cast(y, in.dtype)};
}

Results batch_norm(const OperationCall& call) {
  const Value x = call.floating();
  const auto axis = static_cast<std::size_t>(call.axis("axis", x));
  std::vector<std::int64_t> dims(x.rank(), 1);
  dims[axis] = x.shape()[axis];
  const auto weight = [&](std::size_t at, const char* name) {
    const Value w = call.optional(at, name);
    return w ? ops::reshape(ops::cast(w, x.dtype()), Shape(dims)) : w;
  };
  const Value mean = weight(1, "mean");
  const Value variance = weight(2, "variance");
  if (!mean || !variance) call.fail("expected a mean and a variance");
  Value y = (x - mean) * ops::rsqrt(variance + call.number("epsilon"));
  if (const Value scale = weight(4, "scale")) y = y * scale;
  if (const Value offset = weight(3, "offset")) y = y + offset;
  return {y};
}

// -- attention
// ------------------------------------------------------------------------

/// query: [batch, t, heads, h], key and value: [batch, s, heads, h].
Results dot_product_attention(const OperationCall& call) {
  if (call.given("attn_logits_soft_cap")) {
    call.fail("attn_logits_soft_cap: expected none, as Keras's TensorFlow");
  }
  const std::vector<Value> x = call.promoted(0, true, 3);
  if (x.size() != 3) call.fail("expected a query, a key and a value");
  for (const Value& each : x) {
    if (each.rank() != 4) {
      call.fail(format("expected rank 4, got {}", each.shape()));
    }
  }
  const std::int64_t heads = x[0].shape()[2];
  const std::int64_t groups = x[1].shape()[2];
  if (groups == 0 || heads % groups != 0) {
    call.fail(format("expected {} to divide {} heads", groups, heads));
  }
  const Value key = ops::repeat(x[1], heads / groups, 2);
  const Value value = ops::repeat(x[2], heads / groups, 2);
  Value logits = ops::einsum("btnh,bsnh->bnts", {x[0], key});
  const auto width = static_cast<double>(x[1].shape()[3]);
  if (const Value scale = call.optional(5, "scale")) {
    logits = logits * ops::cast(scale, logits.dtype());
  } else {
    logits = logits / std::sqrt(width);
  }
  if (const Value bias = call.optional(3, "bias")) {
    logits = logits + ops::cast(bias, logits.dtype());
  }
  const Value low = ops::full_like(logits, -0.7 * 3.4028234663852886e38);
  if (const Value mask = call.optional(4, "mask")) {
    logits = ops::where(ops::cast(mask, DType::boolean), logits, low);
  }
  if (call.flag("is_causal")) {
    const Shape shape{logits.shape()[2], logits.shape()[3]};
    const Value row = ops::iota(call.graph(), shape, 0, DType::i32);
    const Value column = ops::iota(call.graph(), shape, 1, DType::i32);
    logits = ops::where(ops::less_equal(column, row), logits, low);
  }
  return {ops::einsum("bnts,bsnh->btnh", {ops::softmax(logits), value})};
}

// -- losses
// ---------------------------------------------------------------------------

/// Target and output in their common dtype, of one shape.
std::vector<Value> compared(const OperationCall& call) {
  call.expect_operands(2);
  const std::vector<Value> x = call.promoted(0, true);
  if (x[0].shape() != x[1].shape()) {
    call.fail(format(
        "expected two tensors of one shape, got {} and {}",
        x[0].shape(),
        x[1].shape()));
  }
  return x;
}

Value probability(const Value& x) {
  return ops::clip(x, kEpsilon, 1 - kEpsilon);
}

Results binary_crossentropy(const OperationCall& call) {
  const std::vector<Value> x = compared(call);
  const Value& target = x[0];
  const Value& output = x[1];
  if (call.flag("from_logits")) {
    return {
        ops::relu(output) - output * target +
        ops::log1p(ops::exp(-ops::abs(output)))};
  }
  const Value p = probability(output);
  return {-(target * ops::log(p) + (1.0 - target) * ops::log(1.0 - p))};
}

Results categorical_crossentropy(const OperationCall& call) {
  const std::vector<Value> x = compared(call);
  const std::int64_t axis = call.axis("axis", x[1]);
  if (call.flag("from_logits")) {
    return {-ops::sum(x[0] * ops::log_softmax(x[1], axis), {axis})};
  }
  const Value p = probability(x[1] / ops::sum(x[1], {axis}, true));
  return {-ops::sum(x[0] * ops::log(p), {axis})};
}

Results sparse_categorical_crossentropy(const OperationCall& call) {
  call.expect_operands(2);
  const Value output = call.floating(1);
  const auto last = static_cast<std::int64_t>(output.rank()) - 1;
  if (call.axis("axis", output) != last) {
    call.fail("axis: expected the last one");
  }
  Value target = ops::cast(call.tensor(0), DType::i64);
  if (target.rank() == output.rank() && target.shape().back() == 1) {
    target = ops::squeeze(target, {-1});
  }
  const Value logits =
      call.flag("from_logits") ? output : ops::log(probability(output));
  return {ops::sparse_softmax_cross_entropy(logits, target)};
}

/// The ratio of the largest signal to the noise, in decibels.
Results psnr(const OperationCall& call) {
  const std::vector<Value> x = compared(call);
  const Value noise = ops::mean(ops::square(x[0] - x[1]));
  const double signal = 20 * std::log10(call.number("max_val"));
  return {signal - ops::log(noise) * (10 / std::numbers::ln10)};
}

// -- classes
// --------------------------------------------------------------------------

Results multi_hot(const OperationCall& call) {
  call.expect_operands(1);
  if (call.flag("sparse")) call.fail("sparse: expected false");
  const Value x = call.tensor();
  const DType dtype = call.given("dtype") ? call.dtype() : DType::f32;
  const Value last = ops::one_hot(x, call.integer("num_classes"), dtype);
  const Value each = layers::axis_from_last(
      last, static_cast<std::size_t>(call.axis("axis", last)));
  const ops::Axes over = {x.rank() > 1 ? 1 : 0};
  return {
      dtype == DType::boolean ? ops::any(each, over) : ops::max(each, over)};
}

/// Whether less than k predictions are larger than the target's.
Results in_top_k(const OperationCall& call) {
  call.expect_operands(2);
  const Value p = call.floating(1);
  const Value target =
      ops::expand_dims(ops::cast(call.tensor(0), DType::i32), -1);
  if (p.rank() != 2 || target.rank() != 2) {
    call.fail(format(
        "expected targets [n] and predictions [n, classes], got {} "
        "and {}",
        call.tensor(0).shape(),
        p.shape()));
  }
  const Value own = ops::take_along_axis(p, target, -1);
  const Value larger = ops::cast(ops::greater(p, own), DType::i32);
  const auto k = static_cast<double>(call.integer("k"));
  return {ops::logical_and(
      ops::less(ops::sum(larger, {-1}), k),
      ops::isfinite(ops::squeeze(own, {-1})))};
}

constexpr Operation kOperations[] = {
    {"BatchNorm", "nn", R"({"axis": null, "epsilon": 0.001})", batch_norm},
    {"BinaryCrossentropy",
     "nn",
     R"({"from_logits": false})",
     binary_crossentropy},
    {"CategoricalCrossentropy",
     "nn",
     R"({"from_logits": false, "axis": -1})",
     categorical_crossentropy},
    {"DotProductAttention",
     "nn",
     R"({"is_causal": false, "flash_attention": null,
         "attn_logits_soft_cap": null})",
     dot_product_attention},
    {"InTopK", "math", R"({"k": null})", in_top_k},
    {"LayerNorm",
     "nn",
     R"({"axis": -1, "epsilon": null, "rms_scaling": false})",
     layer_norm},
    {"MultiHot",
     "nn",
     R"({"num_classes": null, "axis": -1, "dtype": null, "sparse": false})",
     multi_hot},
    {"PSNR", "nn", R"({"max_val": null})", psnr},
    {"RMSNorm", "nn", R"({"axis": -1, "epsilon": null})", rms_norm},
    {"SparseCategoricalCrossentropy",
     "nn",
     R"({"from_logits": false, "axis": -1})",
     sparse_categorical_crossentropy},
};

}  // namespace

std::span<const Operation> normalization_operations() {
  return kOperations;
}

}  // namespace keratin
