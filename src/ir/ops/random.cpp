#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/ops/families.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin {

namespace {

// Random numbers have no gradient: the state is integers.

void expect_state(const InferArgs& args) {
  const ValueType expected{DType::u32, {2}};
  if (args.inputs[0] == expected) return;
  rules::fail(
      args,
      format(
          "expected a state {} = (seed, counter), got {}",
          expected.str(),
          args.inputs[0].str()));
}

DType expect_floating_dtype(const InferArgs& args) {
  const DType dtype = args.attrs.dtype();
  if (!is_floating(dtype)) {
    rules::fail(
        args,
        format(
            "expected a floating-point dtype, got {}; draw f32 and convert it "
            "with ops::cast",
            dtype));
  }
  return dtype;
}

std::vector<ValueType> infer_bits(const InferArgs& args) {
  expect_state(args);
  return {{DType::u32, rules::shape_attr(args)}};
}

std::vector<ValueType> infer_uniform(const InferArgs& args) {
  expect_state(args);
  const double low = args.attrs.number("low");
  const double high = args.attrs.number("high");
  if (!(low <= high)) {
    rules::fail(args, format("expected low <= high, got {} and {}", low, high));
  }
  return {{expect_floating_dtype(args), rules::shape_attr(args)}};
}

std::vector<ValueType> infer_normal(const InferArgs& args) {
  expect_state(args);
  const double stddev = args.attrs.number("stddev");
  if (!(stddev >= 0)) {
    rules::fail(args, format("expected a stddev >= 0, got {}", stddev));
  }
  return {{expect_floating_dtype(args), rules::shape_attr(args)}};
}

}  // namespace

std::vector<OpInfo> families::random_ops() {
  return {
      {.op = Op::random_bits,
       .name = "random_bits",
       .attrs = {{"shape", AttrKind::ints}},
       .infer = infer_bits},
      {.op = Op::random_uniform,
       .name = "random_uniform",
       .attrs =
           {{"shape", AttrKind::ints},
            {"low", AttrKind::number},
            {"high", AttrKind::number},
            {"dtype", AttrKind::dtype}},
       .infer = infer_uniform},
      {.op = Op::random_normal,
       .name = "random_normal",
       .attrs =
           {{"shape", AttrKind::ints},
            {"mean", AttrKind::number},
            {"stddev", AttrKind::number},
            {"dtype", AttrKind::dtype}},
       .infer = infer_normal},
  };
}

namespace ops {

Value random_bits(const Value& state, const Shape& shape) {
  return rules::emit(Op::random_bits, {state}, {{"shape", rules::dims(shape)}});
}

Value random_uniform(
    const Value& state,
    const Shape& shape,
    double low,
    double high,
    DType dtype) {
  return rules::emit(
      Op::random_uniform,
      {state},
      {{"shape", rules::dims(shape)},
       {"low", low},
       {"high", high},
       {"dtype", dtype}});
}

Value random_normal(
    const Value& state,
    const Shape& shape,
    double mean,
    double stddev,
    DType dtype) {
  return rules::emit(
      Op::random_normal,
      {state},
      {{"shape", rules::dims(shape)},
       {"mean", mean},
       {"stddev", stddev},
       {"dtype", dtype}});
}

}  // namespace ops

}  // namespace keratin
