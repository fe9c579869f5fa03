#include <cmath>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

std::vector<ValueType> infer_parameter(const InferArgs& args) {
  return {{args.attrs.dtype(), rules::shape_attr(args)}};
}

std::vector<ValueType> infer_constant(const InferArgs& args) {
  const auto& value = args.attrs.get<Tensor>("value");
  if (value.dtype() == DType::string) {
    rules::fail(args, "expected numbers, got a tensor of strings");
  }
  return {{value.dtype(), value.shape()}};
}

std::vector<ValueType> infer_read(const InferArgs& args) {
  const auto& variable = args.attrs.get<Variable>("variable");
  return {{variable.dtype(), variable.shape()}};
}

std::vector<ValueType> infer_assign(const InferArgs& args) {
  const auto& variable = args.attrs.get<Variable>("variable");
  const ValueType expected{variable.dtype(), variable.shape()};
  if (args.inputs[0] != expected) {
    rules::fail(
        args,
        format(
            "variable {} is {}, got {}; use ops::cast or ops::reshape",
            variable.path(),
            expected.str(),
            args.inputs[0].str()));
  }
  return {};
}

}  // namespace

std::vector<OpInfo> families::structure_ops() {
  return {
      {.op = Op::parameter,
       .name = "parameter",
       .input_count = 0,
       .attrs =
           {{"name", AttrKind::text},
            {"dtype", AttrKind::dtype},
            {"shape", AttrKind::ints}},
       .infer = infer_parameter},
      {.op = Op::constant,
       .name = "constant",
       .input_count = 0,
       .attrs = {{"value", AttrKind::tensor}},
       .infer = infer_constant},
      {.op = Op::read,
       .name = "read",
       .input_count = 0,
       .attrs = {{"variable", AttrKind::variable}},
       .infer = infer_read},
      {.op = Op::assign,
       .name = "assign",
       .input_count = 1,
       .attrs = {{"variable", AttrKind::variable}},
       .infer = infer_assign},
  };
}

namespace ops {

namespace {

bool fits(double value, DType dtype) {
  if (is_floating(dtype)) return true;
  if (dtype == DType::boolean) return value == 0 || value == 1;
  if (value != std::trunc(value)) return false;  // also NaN
  const int bits = static_cast<int>(8 * size_of(dtype));
  const double high = std::ldexp(1.0, is_signed(dtype) ? bits - 1 : bits);
  const double low = is_signed(dtype) ? -high : 0;
  return value >= low && value < high;
}

Tensor number(const Shape& shape, double value, DType dtype) {
  if (dtype == DType::string || !fits(value, dtype)) {
    throw InvalidArgument(format(
        "[constant] expected a value that {} holds, got {}; cast the other "
        "operand first",
        name_of(dtype),
        value));
  }
  return Tensor::full(dtype, shape, value);
}

}  // namespace

Value constant(Graph& graph, const Tensor& value) {
  return graph.constant(value);
}

Value full(Graph& graph, const Shape& shape, double value, DType dtype) {
  // A constant of one element: nobody wants megabytes of one number.
  const Value scalar = graph.constant(number({}, value, dtype));
  return shape.empty() ? scalar : broadcast_to(scalar, shape);
}

Value zeros_like(const Value& x) {
  return full_like(x, 0);
}

Value ones_like(const Value& x) {
  return full_like(x, 1);
}

Value full_like(const Value& x, double value) {
  Graph& graph = rules::graph_of({x}, "full_like");
  return full(graph, x.shape(), value, x.dtype());
}

Value scalar_like(const Value& x, double value) {
  Graph& graph = rules::graph_of({x}, "scalar_like");
  return graph.constant(number({}, value, x.dtype()));
}

}  // namespace ops

}  // namespace keratin
