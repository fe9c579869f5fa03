#include "tests/ir/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "src/core/format.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/verifier.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

namespace keratin::testing {

namespace {

constexpr double kStep = 1e-5;
// Truncation is about step^2, rounding about 1e-16 / step.
constexpr double kTolerance = 2e-6;

bool contains(const Graph& graph, Op op) {
  return std::any_of(
      graph.nodes().begin(), graph.nodes().end(), [&](const Node& node) {
        if (node.op == op) return true;
        return std::any_of(
            node.attrs.entries().begin(),
            node.attrs.entries().end(),
            [&](const Attrs::Entry& entry) {
              using Body = std::shared_ptr<const Graph>;
              const auto* body = std::get_if<Body>(&entry.second);
              return body != nullptr && contains(**body, op);
            });
      });
}

/// Sum of the f64 values, each element by a weight of its own.
Value weighted_sum(Graph& graph, const std::vector<Value>& values, double low) {
  Value total = graph.constant(Tensor(0.0));
  for (const Value& value : values) {
    if (!value || value.dtype() != DType::f64) continue;
    const Shape& shape = value.shape();
    const Value weights = graph.constant(spread(shape, low, low + 1));
    total = total + ops::sum(value * weights);
  }
  return total;
}

/// f(x) and its gradient, or gradient and second derivative.
struct Functions {
  Graph values;   // -> the functions
  Graph results;  // -> for each function, its gradient by each f64 input
  std::vector<std::size_t> by;  // which inputs these are
  std::size_t functions = 1;
};

Functions build(const GradientRow& row) {
  Functions made;
  Graph graph;
  std::vector<Value> inputs;
  std::vector<Value> xs;
  for (std::size_t i = 0; i < row.inputs.size(); ++i) {
    const Tensor& input = row.inputs[i];
    inputs.push_back(graph.parameter(
        {input.dtype(), input.shape()}, keratin::format("x{}", i)));
    if (input.dtype() != DType::f64) continue;
    xs.push_back(inputs.back());
    made.by.push_back(i);
  }
  std::vector<Value> functions = {weighted_sum(graph, row.build(inputs), -0.4)};
  std::vector<Value> results = gradients(functions[0], xs);
  if (row.smoothness == Smoothness::smooth) {
    functions.push_back(weighted_sum(graph, results, -0.7));
    const std::vector<Value> second = gradients(functions[1], xs);
    results.insert(results.end(), second.begin(), second.end());
  }
  made.functions = functions.size();
  made.values = graph;
  made.results = graph;
  // The copies hold values of the same numbers.
  const auto set = [](Graph& to, const std::vector<Value>& outputs) {
    std::vector<Value> own;
    for (const Value& output : outputs) own.push_back(to.value(output.id()));
    to.set_outputs(own);
  };
  set(made.values, functions);
  set(made.results, results);
  return made;
}

}  // namespace

std::string check_gradients(const GradientRow& row) {
  Functions made = build(row);
  verify(made.results);
  if (!contains(made.results, row.op)) return "the graph lacks the op itself";
  Backend& backend = find_backend("reference");
  Program values(made.values, backend);
  Program results(made.results, backend);
  const std::vector<Tensor> got = results.run(row.inputs);
  for (std::size_t k = 0; k < made.by.size(); ++k) {
    std::vector<Tensor> moved = row.inputs;
    Tensor& x = moved[made.by[k]];
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const double at = x.at(i);
      x.mutable_data<double>()[i] = at + kStep;
      const std::vector<Tensor> above = values.run(moved);
      x.mutable_data<double>()[i] = at - kStep;
      const std::vector<Tensor> below = values.run(moved);
      x.mutable_data<double>()[i] = at;
      for (std::size_t f = 0; f < made.functions; ++f) {
        const double expected =
            (above[f].item<double>() - below[f].item<double>()) / (2 * kStep);
        const double actual = got[f * made.by.size() + k].at(i);
        const double error = std::abs(expected - actual);
        // Not error > ..., which a NaN would pass.
        if (error <= kTolerance * std::max(1.0, std::abs(expected))) continue;
        return keratin::format(
            "{} derivative by element {} of input {}: differences give {}, "
            "gradients() {}",
            f == 0 ? "first" : "second",
            i,
            made.by[k],
            expected,
            actual);
      }
    }
  }
  return "";
}

Tensor spread(const Shape& shape, double low, double high) {
  // The multiples of the golden ratio, modulo 1, never meet.
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  double fraction = 0.137;
  for (double& value : values) {
    value = low + (high - low) * fraction;
    fraction += 0.6180339887498949;
    fraction -= std::floor(fraction);
  }
  return Tensor(values, shape);
}

Tensor integers(const std::vector<std::int32_t>& values, const Shape& shape) {
  return Tensor(values, shape);
}

std::vector<Tensor> evaluate(
    const Graph& graph, const std::vector<Tensor>& inputs) {
  return Program(graph, find_backend("reference")).run(inputs);
}

}  // namespace keratin::testing
