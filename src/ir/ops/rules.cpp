#include "src/ir/ops/rules.hpp"

#include <algorithm>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/ir/subgraph.hpp"

namespace keratin::rules {

namespace {

[[noreturn]] void fail_dtype(
    const InferArgs& args,
    std::size_t operand,
    std::string_view expected,
    std::string_view fix) {
  fail(
      args,
      format(
          "expected {}, got {}{}; {}",
          expected,
          args.inputs[operand].str(),
          args.inputs.size() > 1 ? format(" as operand {}", operand) : "",
          fix));
}

constexpr std::string_view kCastFix = "convert it with ops::cast";

}  // namespace

void fail(const InferArgs& args, std::string_view message) {
  fail(args.who, message);
}

std::string who(const Value& x, std::string_view function) {
  const std::string layer = x ? x.graph().layer() : "";
  return layer.empty() ? format("[{}]", function)
                       : format("[{} @{}]", function, layer);
}

void fail(const std::string& who, std::string_view message) {
  throw InvalidArgument(format("{} {}", who, message));
}

void expect_same_dtype(const InferArgs& args) {
  expect_same_dtype(args, 0);
}

void expect_same_dtype(const InferArgs& args, std::size_t first) {
  for (std::size_t i = first + 1; i < args.inputs.size(); ++i) {
    if (args.inputs[i].dtype == args.inputs[first].dtype) continue;
    fail(
        args,
        format(
            "expected operands of one dtype, got {} and {}; convert one with "
            "ops::cast",
            args.inputs[first].str(),
            args.inputs[i].str()));
  }
}

void expect_floating(const InferArgs& args, std::size_t operand) {
  if (is_floating(args.inputs[operand].dtype)) return;
  fail_dtype(args, operand, "a floating-point operand", kCastFix);
}

void expect_integer(const InferArgs& args, std::size_t operand) {
  if (is_integer(args.inputs[operand].dtype)) return;
  fail_dtype(args, operand, "an integer operand", kCastFix);
}

void expect_boolean(const InferArgs& args, std::size_t operand) {
  if (args.inputs[operand].dtype == DType::boolean) return;
  fail_dtype(args, operand, "a bool operand", "compare it, e.g. x != 0");
}

void expect_numeric(const InferArgs& args, std::size_t operand) {
  const DType dtype = args.inputs[operand].dtype;
  if (is_floating(dtype) || is_integer(dtype)) return;
  fail_dtype(args, operand, "a number as operand", kCastFix);
}

void expect_not_string(const InferArgs& args, std::size_t operand) {
  if (args.inputs[operand].dtype != DType::string) return;
  fail_dtype(
      args,
      operand,
      "numbers",
      "strings live on the host only; look them up before the graph");
}

void expect_rank(const InferArgs& args, std::size_t operand, std::size_t rank) {
  if (args.inputs[operand].shape.rank() == rank) return;
  fail(
      args,
      format(
          "expected operand {} of rank {}, got {}",
          operand,
          rank,
          args.inputs[operand].str()));
}

void expect_rank_at_least(
    const InferArgs& args, std::size_t operand, std::size_t rank) {
  if (args.inputs[operand].shape.rank() >= rank) return;
  fail(
      args,
      format(
          "expected operand {} of rank >= {}, got {}; add an axis with "
          "ops::expand_dims",
          operand,
          rank,
          args.inputs[operand].str()));
}

void expect_operands(const InferArgs& args) {
  if (args.inputs.empty()) {
    fail(args, "expected at least one operand, got none");
  }
}

std::size_t normalize_axis(
    std::int64_t axis, std::size_t rank, const std::string& who) {
  const auto count = static_cast<std::int64_t>(rank);
  if (axis >= -count && axis < count) {
    return static_cast<std::size_t>(axis < 0 ? axis + count : axis);
  }
  if (count == 0)
    fail(who, format("expected no axis of a scalar, got {}", axis));
  fail(
      who,
      format(
          "expected an axis from {} to {} for rank {}, got {}",
          -count,
          count - 1,
          rank,
          axis));
}

Ints normalize_axes(
    const Ints& axes, std::size_t rank, const std::string& who) {
  Ints result;
  if (axes.empty()) {
    for (std::size_t i = 0; i < rank; ++i) {
      result.push_back(static_cast<std::int64_t>(i));
    }
    return result;
  }
  for (const std::int64_t axis : axes) {
    result.push_back(
        static_cast<std::int64_t>(normalize_axis(axis, rank, who)));
  }
  std::sort(result.begin(), result.end());
  const auto twice = std::adjacent_find(result.begin(), result.end());
  if (twice != result.end()) {
    fail(who, format("expected each axis once, got axis {} twice", *twice));
  }
  return result;
}

std::size_t axis_attr(
    const InferArgs& args, std::size_t operand, std::string_view name) {
  const std::int64_t axis = args.attrs.integer(name);
  const auto rank =
      static_cast<std::int64_t>(args.inputs[operand].shape.rank());
  if (axis < 0 || axis >= rank) {
    fail(
        args,
        format(
            "expected {} in [0, {}) for {}, got {}",
            name,
            rank,
            args.inputs[operand].str(),
            axis));
  }
  return static_cast<std::size_t>(axis);
}

Shape reduced_shape(const Shape& shape, const Ints& axes, bool keepdims) {
  Ints result;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    const bool reduced = std::binary_search(
        axes.begin(), axes.end(), static_cast<std::int64_t>(i));
    if (!reduced) {
      result.push_back(shape[i]);
    } else if (keepdims) {
      result.push_back(1);
    }
  }
  return Shape(std::move(result));
}

Shape shape_attr(const InferArgs& args, std::string_view name) {
  const Ints& dims = args.attrs.ints(name);
  for (const std::int64_t dim : dims) {
    if (dim >= 0) continue;
    fail(args, format("expected dimensions >= 0 in {}, got {}", name, dim));
  }
  return Shape(dims);
}

Shape broadcast_operands(const InferArgs& args, std::size_t first) {
  Ints dims;
  for (std::size_t i = first; i < args.inputs.size(); ++i) {
    const Shape& shape = args.inputs[i].shape;
    if (shape.rank() > dims.size()) {
      dims.insert(dims.begin(), shape.rank() - dims.size(), 1);
    }
    const std::size_t offset = dims.size() - shape.rank();
    for (std::size_t j = 0; j < shape.rank(); ++j) {
      std::int64_t& dim = dims[offset + j];
      if (dim == 1) {
        dim = shape[j];
      } else if (shape[j] != 1 && shape[j] != dim) {
        std::string all;
        for (std::size_t k = first; k < args.inputs.size(); ++k) {
          all += (k == first ? "" : " and ") + args.inputs[k].str();
        }
        fail(
            args,
            format(
                "expected shapes that broadcast, got {}: {} does not match "
                "{}; sizes counted from the last axis must be equal or 1",
                all,
                dim,
                shape[j]));
      }
    }
  }
  return Shape(std::move(dims));
}

bool is_differentiable(const Value& x) {
  return is_floating(x.dtype());
}

Value sum_to_shape(const Value& grad, Shape shape) {
  const Shape& from = grad.shape();
  if (from == shape) return grad;
  const std::size_t extra = from.rank() - shape.rank();
  Ints axes;
  for (std::size_t i = 0; i < from.rank(); ++i) {
    if (i < extra || (shape[i - extra] == 1 && from[i] != 1)) {
      axes.push_back(static_cast<std::int64_t>(i));
    }
  }
  const Value total = axes.empty() ? grad : ops::sum(grad, axes);
  return ops::reshape(total, std::move(shape));
}

Value restore_axes(const Value& reduced, const Shape& shape, const Ints& axes) {
  return ops::reshape(reduced, reduced_shape(shape, axes, true));
}

std::optional<double> constant_number(const Value& x) {
  const Graph& graph = x.graph();
  const Node& node = graph.node(graph.producer(x.id()));
  if (node.op != Op::constant) return {};
  const Tensor& value = node.attrs.get<Tensor>("value");
  if (value.size() != 1 || value.dtype() == DType::string) return {};
  return value.at(0);
}

Graph& graph_of(const std::vector<Value>& values, std::string_view function) {
  Graph* innermost = nullptr;
  for (const Value& value : values) {
    if (!value) {
      fail(
          format("[{}]", function),
          "expected a value, got an empty one; a gradient that does not flow "
          "or a default-constructed Value");
    }
    if (innermost == nullptr) {
      innermost = &value.graph();
      continue;
    }
    // `value`'s graph wins when the one found so far is around it.
    for (Graph* g = value.graph().outer(); g != nullptr; g = g->outer()) {
      if (g == innermost) innermost = &value.graph();
    }
  }
  if (innermost == nullptr) {
    fail(format("[{}]", function), "expected at least one value, got none");
  }
  // A branch of cond being built takes what concerns only graphs around it.
  Graph* const scope = BuildScope::current();
  for (Graph* g = scope; g != nullptr; g = g->outer()) {
    if (g == innermost) return *scope;
  }
  return *innermost;
}

Value emit(Op op, const std::vector<Value>& inputs, Attrs attrs) {
  return graph_of(inputs, op_name(op)).add1(op, inputs, std::move(attrs));
}

std::vector<Value> emit_all(
    Op op, const std::vector<Value>& inputs, Attrs attrs) {
  return graph_of(inputs, op_name(op)).add(op, inputs, std::move(attrs));
}

Value to_floating(const Value& x, std::string_view function) {
  graph_of({x}, function);
  return is_floating(x.dtype()) ? x : ops::cast(x, DType::f32);
}

Value to_boolean(const Value& x, std::string_view function) {
  graph_of({x}, function);
  if (x.dtype() == DType::boolean) return x;
  return ops::not_equal(x, 0.0);
}

Ints dims(const Shape& shape) {
  return shape.dims();
}

}  // namespace keratin::rules
