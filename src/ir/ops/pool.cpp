#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/ops/derived.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"
#include "src/ir/ops/window.hpp"

namespace keratin {

namespace {

/// A pooling: how its windows lie over the spatial axes of x.
struct Pooling {
  Shape x;  // [n, spatial..., c]
  Shape y;  // [n, out..., c]
  Ints size;
  ops::Window window;

  std::size_t spatial() const { return size.size(); }

  /// Calls f with every offset of the window, the last axis fastest.
  void for_each_tap(const std::function<void(const Ints&)>& f) const {
    Ints tap(spatial(), 0);
    for (;;) {
      f(tap);
      std::size_t axis = spatial();
      while (axis > 0 && ++tap[axis - 1] == size[axis - 1]) tap[--axis] = 0;
      if (axis == 0) return;
    }
  }

  /// How many taps of window `out` along `axis` are inside the tensor.
  std::int64_t taps_inside(std::size_t axis, std::int64_t out) const {
    std::int64_t count = 0;
    for (std::int64_t tap = 0; tap < size[axis]; ++tap) {
      const std::int64_t at = out * window.strides[axis] -
                              window.pad_low[axis] +
                              tap * window.dilation[axis];
      if (at >= 0 && at < x[axis + 1]) ++count;
    }
    return count;
  }

  bool is_padded() const {
    for (std::size_t i = 0; i < spatial(); ++i) {
      if (window.pad_low[i] != 0 || window.pad_high[i] != 0) return true;
    }
    return false;
  }

  /// x (or anything of its spatial extents) with its padding.
  Value padded(const Value& value, double filler) const {
    if (!is_padded()) return value;
    Ints low = {0};
    Ints high = {0};
    low.insert(low.end(), window.pad_low.begin(), window.pad_low.end());
    high.insert(high.end(), window.pad_high.begin(), window.pad_high.end());
    low.push_back(0);
    high.push_back(0);
    return ops::pad(value, low, high, filler);
  }

  /// For every window, its element at `tap`: [n, out..., c].
  Value elements(const Value& padded_value, const Ints& tap) const {
    const Shape& from = padded_value.shape();
    Ints start(from.rank(), 0);
    Ints stop(from.begin(), from.end());
    Ints step(from.rank(), 1);
    for (std::size_t i = 0; i < spatial(); ++i) {
      start[i + 1] = tap[i] * window.dilation[i];
      stop[i + 1] = start[i + 1] + (y[i + 1] - 1) * window.strides[i] + 1;
      step[i + 1] = window.strides[i];
    }
    return ops::slice(padded_value, start, stop, step);
  }
};

Pooling pooling_of(const InferArgs& args, const Shape& x) {
  if (x.rank() < 3 || x.rank() > 5) {
    rules::fail(
        args,
        format(
            "expected [batch, spatial..., channels] with 1 to 3 spatial axes, "
            "got {}",
            x));
  }
  Pooling pooling{x, {x[0]}, args.attrs.ints("size"), {}};
  for (const std::int64_t dim : rules::window_output(args, x, pooling.size)) {
    pooling.y.push_back(dim);
  }
  pooling.y.push_back(x.back());
  pooling.window = rules::window_of(args.attrs);
  if (!pooling.is_padded()) return pooling;
  for (std::size_t i = 0; i < pooling.spatial(); ++i) {
    for (std::int64_t out = 0; out < pooling.y[i + 1]; ++out) {
      if (pooling.taps_inside(i, out) > 0) continue;
      rules::fail(
          args,
          format(
              "window {} along spatial axis {} has no element of {}, only "
              "padding; use less padding",
              out,
              i,
              x));
    }
  }
  return pooling;
}

/// As above for a node whose shape rule has passed.
Pooling pooling_of(Op op, const Attrs& attrs, const Shape& x) {
  return pooling_of(InferArgs{op, {}, attrs, "[pool]"}, x);
}

std::vector<ValueType> infer_max_pool(const InferArgs& args) {
  rules::expect_numeric(args);
  return {{args.inputs[0].dtype, pooling_of(args, args.inputs[0].shape).y}};
}

std::vector<ValueType> infer_average_pool(const InferArgs& args) {
  rules::expect_floating(args);
  return {{args.inputs[0].dtype, pooling_of(args, args.inputs[0].shape).y}};
}

void expect_result(
    const InferArgs& args, std::size_t operand, const Pooling& pooling) {
  if (args.inputs[operand].shape == pooling.y) return;
  rules::fail(
      args,
      format(
          "expected dy of shape {} for an input {}, got {}",
          pooling.y,
          pooling.x,
          args.inputs[operand].str()));
}

std::vector<ValueType> infer_max_pool_grad(const InferArgs& args) {
  rules::expect_same_dtype(args);
  rules::expect_floating(args);
  expect_result(args, 1, pooling_of(args, args.inputs[0].shape));
  return {args.inputs[0]};
}

std::vector<ValueType> infer_average_pool_grad(const InferArgs& args) {
  rules::expect_floating(args);
  const Shape x = rules::shape_attr(args);
  expect_result(args, 0, pooling_of(args, x));
  return {{args.inputs[0].dtype, x}};
}

/// The least value of the dtype, which no element is below. For integers of 64
/// bits it is the nearest double, exact for the signed one.
double lowest(DType dtype) {
  switch (dtype) {
    case DType::i8:
      return std::numeric_limits<std::int8_t>::min();
    case DType::i16:
      return std::numeric_limits<std::int16_t>::min();
    case DType::i32:
      return std::numeric_limits<std::int32_t>::min();
    case DType::i64:
      return static_cast<double>(std::numeric_limits<std::int64_t>::min());
    case DType::u8:
    case DType::u16:
    case DType::u32:
    case DType::u64:
      return 0;
    default:
      return -std::numeric_limits<double>::infinity();
  }
}

Value maximum_of_taps(const Pooling& pooling, const Value& x) {
  const Value padded = pooling.padded(x, lowest(x.dtype()));
  Value best;
  pooling.for_each_tap([&](const Ints& tap) {
    const Value element = pooling.elements(padded, tap);
    best = best ? ops::maximum(best, element) : element;
  });
  return best;
}

std::vector<Value> decompose_max_pool(const DecomposeArgs& args) {
  const Value& x = args.inputs[0];
  const Pooling pooling = pooling_of(args.op, args.attrs, x.shape());
  return {maximum_of_taps(pooling, x)};
}

// dx gets dy at the first tap of each window that holds its maximum. Written as
// the gradient of the sum of the elements so chosen, which is linear in them.
std::vector<Value> decompose_max_pool_grad(const DecomposeArgs& args) {
  const Value& x = args.inputs[0];
  const Value& dy = args.inputs[1];
  const Pooling pooling = pooling_of(args.op, args.attrs, x.shape());
  const Value best = maximum_of_taps(pooling, x);
  const Value padded = pooling.padded(x, lowest(x.dtype()));
  // Where padding lies: it must not win even against -infinity.
  Shape plane = pooling.x;
  plane[0] = 1;
  plane[plane.rank() - 1] = 1;
  Graph& graph = rules::graph_of({x, dy}, "max_pool_grad");
  const Value inside =
      pooling.is_padded()
          ? pooling.padded(ops::full(graph, plane, 1, DType::f32), 0)
          : Value();
  const Value zero = ops::scalar_like(x, 0);
  Value taken;
  Value chosen;
  pooling.for_each_tap([&](const Ints& tap) {
    const Value element = pooling.elements(padded, tap);
    Value hit = ops::equal(element, best);
    if (inside) {
      hit = ops::logical_and(
          hit, ops::greater(pooling.elements(inside, tap), 0.5));
    }
    const Value first =
        taken ? ops::logical_and(hit, ops::logical_not(taken)) : hit;
    taken = taken ? ops::logical_or(taken, hit) : hit;
    const Value part = ops::where(first, element, zero);
    chosen = chosen ? ops::add(chosen, part) : part;
  });
  return vjp({chosen}, {x}, {dy});
}

/// How many elements each window averages over: a number, or [1, out..., 1].
Value window_counts(const Pooling& pooling, const Value& like) {
  Graph& graph = rules::graph_of({like}, "average_pool");
  Shape shape = pooling.y;
  shape[0] = 1;
  shape[shape.rank() - 1] = 1;
  std::vector<double> counts = {1};
  for (std::size_t i = 0; i < pooling.spatial(); ++i) {
    std::vector<double> next;
    for (const double count : counts) {
      for (std::int64_t out = 0; out < pooling.y[i + 1]; ++out) {
        next.push_back(
            count * static_cast<double>(pooling.taps_inside(i, out)));
      }
    }
    counts = std::move(next);
  }
  return ops::constant(graph, Tensor(counts, shape).cast(like.dtype()));
}

Value average_of_taps(const Pooling& pooling, const Value& x) {
  const Value padded = pooling.padded(x, 0);
  Value total;
  pooling.for_each_tap([&](const Ints& tap) {
    const Value element = pooling.elements(padded, tap);
    total = total ? ops::add(total, element) : element;
  });
  if (pooling.is_padded()) {
    return ops::divide(total, window_counts(pooling, x));
  }
  return ops::divide(total, static_cast<double>(Shape(pooling.size).size()));
}

std::vector<Value> decompose_average_pool(const DecomposeArgs& args) {
  const Value& x = args.inputs[0];
  const Pooling pooling = pooling_of(args.op, args.attrs, x.shape());
  return {average_of_taps(pooling, x)};
}

// Averaging is linear, so its gradient is the same at every x.
std::vector<Value> decompose_average_pool_grad(const DecomposeArgs& args) {
  const Value& dy = args.inputs[0];
  const Pooling pooling = pooling_of(args.op, args.attrs, args.attrs.shape());
  Graph& graph = rules::graph_of({dy}, "average_pool_grad");
  const Value x = ops::full(graph, pooling.x, 0, dy.dtype());
  return vjp({average_of_taps(pooling, x)}, {x}, {dy});
}

std::vector<Value> gradient_max_pool(const GradientArgs& args) {
  return {rules::emit(
      Op::max_pool_grad, {args.inputs[0], args.grads[0]}, args.attrs)};
}

std::vector<Value> gradient_average_pool(const GradientArgs& args) {
  Attrs attrs = args.attrs;
  attrs.set("shape", rules::dims(args.inputs[0].shape()));
  return {rules::emit(Op::average_pool_grad, {args.grads[0]}, attrs)};
}

std::vector<Value> gradient_average_pool_grad(const GradientArgs& args) {
  return {ops::average_pool(
      args.grads[0], args.attrs.ints("size"), rules::window_of(args.attrs))};
}

// By x there is none: the positions it chooses do not move.
std::vector<Value> gradient_max_pool_grad(const GradientArgs& args) {
  std::vector<Value> grads = rules::gradient_by_decomposition(args);
  return {Value(), grads[1]};
}

Value pool_node(
    Op op,
    std::string_view name,
    const Value& x,
    const Ints& size,
    const ops::Window& window) {
  rules::graph_of({x}, name);
  const std::string who = rules::who(x, name);
  if (x.rank() < 3 || x.rank() > 5) {
    rules::fail(
        who,
        format(
            "expected [batch, spatial..., channels] with 1 to 3 spatial axes, "
            "got {}",
            x.shape()));
  }
  Attrs attrs = rules::to_attrs(window, x.rank() - 2, who);
  attrs.set("size", size);
  return rules::emit(op, {x}, std::move(attrs));
}

}  // namespace

namespace ops {

Value max_pool(const Value& x, const Ints& size, const Window& window) {
  return pool_node(Op::max_pool, "max_pool", x, size, window);
}

Value average_pool(const Value& x, const Ints& size, const Window& window) {
  return pool_node(Op::average_pool, "average_pool", x, size, window);
}

}  // namespace ops

std::vector<OpInfo> families::pool_ops() {
  const std::vector<AttrSpec> attrs =
      rules::window_attrs({{"size", AttrKind::ints}});
  const std::vector<AttrSpec> attrs_with_shape = rules::window_attrs(
      {{"size", AttrKind::ints}, {"shape", AttrKind::ints}});
  return {
      {.op = Op::max_pool,
       .name = "max_pool",
       .attrs = attrs,
       .infer = infer_max_pool,
       .gradient = gradient_max_pool,
       .decompose = decompose_max_pool},
      {.op = Op::max_pool_grad,
       .name = "max_pool_grad",
       .input_count = 2,
       .attrs = attrs,
       .infer = infer_max_pool_grad,
       .gradient = gradient_max_pool_grad,
       .decompose = decompose_max_pool_grad},
      {.op = Op::average_pool,
       .name = "average_pool",
       .attrs = attrs,
       .infer = infer_average_pool,
       .gradient = gradient_average_pool,
       .decompose = decompose_average_pool},
      {.op = Op::average_pool_grad,
       .name = "average_pool_grad",
       .attrs = attrs_with_shape,
       .infer = infer_average_pool_grad,
       .gradient = gradient_average_pool_grad,
       .decompose = decompose_average_pool_grad},
  };
}

}  // namespace keratin
