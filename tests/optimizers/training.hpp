#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <keratin/call_context.hpp>
#include <keratin/optimizers.hpp>
#include <keratin/variable.hpp>

#include "src/ir/autodiff.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/variable_state.hpp"
#include "src/runtime/program.hpp"

namespace keratin::testing {

/// A weight with a path, as layers make them.
inline Variable make_weight(
    const Tensor& value,
    const std::string& path,
    VariableOptions options = {}) {
  options.name = path.substr(path.rfind('/') + 1);
  Variable variable(value, std::move(options));
  variable.state().path = path;
  return variable;
}

/// Training steps of a few weights without a model.
class Training {
 public:
  /// The loss of a batch, given the weights' values.
  using LossFunction = std::function<Value(
      const std::vector<Value>& weights, const std::vector<Value>& inputs)>;

  Training(
      const Optimizer& optimizer,
      const std::vector<Variable>& weights,
      const std::vector<Tensor>& example,
      const LossFunction& loss,
      Backend& backend) {
    Graph graph;
    CallContext ctx(graph, /*training=*/true);
    std::vector<Value> inputs;
    for (const Tensor& tensor : example) {
      inputs.push_back(
          graph.parameter({tensor.dtype(), tensor.shape()}, "input"));
    }
    std::vector<Value> values;
    for (const Variable& weight : weights) {
      values.push_back(graph.read(weight));
    }
    OptimizerImpl& impl = optimizer.impl();
    if (!impl.built()) impl.build(weights);
    const Value value = loss(values, inputs);
    impl.apply(ctx, gradients(impl.scale_loss(ctx, value), values), weights);
    ctx.finish();
    graph.set_outputs({value});
    program_ = std::make_unique<Program>(graph, backend);
  }

  /// One step; the loss before it.
  double step(const std::vector<Tensor>& inputs) {
    return program_->run(inputs)[0].item<double>();
  }

 private:
  std::unique_ptr<Program> program_;
};

}  // namespace keratin::testing
