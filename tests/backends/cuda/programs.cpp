#include "tests/backends/cuda/programs.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include <keratin/ops.hpp>

#include "src/backends/cuda/device.hpp"
#include "src/ir/autodiff.hpp"
#include "src/passes/pass.hpp"
#include "tests/backends/cuda/stand_in.hpp"

namespace keratin::cuda::testing {

namespace {

Tensor wave(const Shape& shape, double scale, double shift) {
  Tensor tensor(DType::f32, shape);
  auto elements = tensor.mutable_data<float>();
  for (std::size_t i = 0; i < elements.size(); ++i) {
    elements[i] = static_cast<float>(
        scale * std::sin(1.7 * static_cast<double>(i) + shift));
  }
  return tensor;
}

void collect(const Steps& steps, Kernels& kernels) {
  for (const Step& step : steps) {
    if (const auto* launch = std::get_if<Launch>(&step.what)) {
      kernels.push_back(launch->kernel);
    } else if (const auto* loop = std::get_if<Loop>(&step.what)) {
      collect(*loop->condition, kernels);
      collect(*loop->body, kernels);
    }
  }
}

}  // namespace

Backend& stand_in_backend() {
  static const std::unique_ptr<Backend> made =
      make_backend(StandIn::get().api(), 0);
  return *made;
}

Graph optimized(const Graph& graph) {
  PipelineOptions options;
  options.supports = [](const Graph& g, const Node& node) {
    return stand_in_backend().supports(g, node);
  };
  options.backend_passes = stand_in_backend().passes();
  return optimize(graph, options);
}

Steps steps_of(const Graph& graph, bool deterministic) {
  static const Device device(StandIn::get().api(), 0);
  const Graph ready = optimized(graph);
  const GraphLowering lowering(device.target(deterministic), ready);
  std::vector<Place> parameters;
  for (std::size_t i = 0; i < ready.parameters().size(); ++i) {
    parameters.push_back({Place::Base::input, static_cast<std::int32_t>(i), 0});
  }
  ConstantPool constants;
  Steps steps;
  const Place arena{Place::Base::arena, 0, 0};
  lowering.emit(
      lowering.places(arena, parameters, constants), arena, steps, constants);
  return steps;
}

Kernels kernels_of(const Steps& steps) {
  Kernels kernels;
  collect(steps, kernels);
  return kernels;
}

Perceptron::Perceptron() {
  const Shape shapes[] = {{20, 16}, {16}, {16, 10}, {10}};
  const char* names[] = {"w1", "b1", "w2", "b2"};
  for (int i = 0; i < 4; ++i) {
    weights.emplace_back(
        wave(shapes[i], 0.3, i), VariableOptions{.name = names[i]});
    momenta.emplace_back(
        Tensor::full(DType::f32, shapes[i], 0),
        VariableOptions{.name = std::string("m_") + names[i]});
  }
}

Graph Perceptron::step(bool with_loss) const {
  Graph g;
  const Value x = g.parameter({DType::f32, {8, 20}}, "x");
  const Value labels = g.parameter({DType::i32, {8}}, "labels");
  std::vector<Value> w;
  for (const Variable& weight : weights) w.push_back(g.read(weight));
  Value h;
  {
    const LayerScope scope(g, "hidden");
    h = ops::relu(ops::matmul(x, w[0]) + w[1]);
  }
  Value loss;
  {
    const LayerScope scope(g, "output");
    const Value logits = ops::matmul(h, w[2]) + w[3];
    loss =
        ops::mean(g.add1(Op::sparse_softmax_cross_entropy, {logits, labels}));
  }
  const std::vector<Value> grads = gradients(loss, w);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const Value m = g.read(momenta[i]) * 0.9F - grads[i] * 0.1F;
    g.assign(momenta[i], m);
    g.assign(weights[i], w[i] + m);
  }
  if (with_loss) g.set_outputs({loss});
  return g;
}

std::vector<Tensor> perceptron_batch(int turn) {
  Tensor labels(DType::i32, {8});
  auto elements = labels.mutable_data<std::int32_t>();
  for (int i = 0; i < 8; ++i) elements[i] = (3 * i + turn) % 10;
  return {wave({8, 20}, 1, 0.3 * turn), labels};
}

void check_violations() {
  for (const std::string& violation : StandIn::get().violations()) {
    FAIL_CHECK(violation);
  }
  StandIn::get().clear_violations();
}

}  // namespace keratin::cuda::testing
