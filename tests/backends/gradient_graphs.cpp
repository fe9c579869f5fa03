#include "tests/backends/gradient_graphs.hpp"

#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/text.hpp"

namespace keratin::testing {

Tolerance between_backends(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return {1e-12, 1e-12};
    case DType::f32:
      return {2e-5, 2e-5};
    case DType::f16:
      return {4e-3, 4e-3};
    case DType::bf16:
      return {3e-2, 3e-2};
    default:
      return {0, 0};
  }
}

std::vector<GradientRow> all_gradient_rows() {
  std::vector<GradientRow> all;
  for (const auto& family :
       {unary_rows(),
        binary_rows(),
        reduce_rows(),
        shape_rows(),
        index_rows(),
        matmul_rows(),
        window_rows(),
        network_rows(),
        control_rows()}) {
    all.insert(all.end(), family.begin(), family.end());
  }
  return all;
}

Row with_gradients(const GradientRow& row) {
  Row made{row.what, {}, row.inputs};
  made.name = keratin::format("{} ({})", op_name(row.op), row.what);
  Graph& g = made.graph;
  std::vector<Value> inputs;
  std::vector<Value> xs;
  for (const Tensor& input : row.inputs) {
    inputs.push_back(g.parameter(
        {input.dtype(), input.shape()}, keratin::format("x{}", inputs.size())));
    if (input.dtype() == DType::f64) xs.push_back(inputs.back());
  }
  std::vector<Value> outputs = row.build(inputs);
  Value loss = g.constant(Tensor(0.0));
  for (const Value& y : outputs) {
    if (y.dtype() == DType::f64) loss = loss + ops::sum(y * y) * 0.5;
  }
  for (const Value& dx : gradients(loss, xs)) outputs.push_back(dx);
  g.set_outputs(outputs);
  return made;
}

std::optional<Row> as_dtype(const Row& row, DType dtype) {
  std::string text = print(row.graph);
  if (text.find(", x\"") != std::string::npos) return {};
  const std::string name(short_name(dtype));
  for (std::size_t at = 0; (at = text.find("f64", at)) != std::string::npos;) {
    text.replace(at, 3, name);
    at += name.size();
  }
  Row made{row.name + " in " + name, parse_graph(text), row.inputs};
  for (Tensor& input : made.inputs) {
    if (input.dtype() == DType::f64) input = input.cast(dtype);
  }
  return made;
}

}  // namespace keratin::testing
