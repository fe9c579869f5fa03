#include "src/train/metrics/standalone.hpp"

#include <utility>
#include <vector>

#include <keratin/call_context.hpp>

#include "src/core/format.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/registry.hpp"

namespace keratin {

namespace {

// Shapes that come in turn are few; those that never come again are not kept.
constexpr std::size_t kKept = 16;

}  // namespace

void MetricImpl::Standalone::update(
    MetricImpl& metric,
    const Tensor& y_true,
    const Tensor& y_pred,
    const Tensor* sample_weight) {
  std::vector<Tensor> inputs = {y_true, y_pred};
  if (sample_weight != nullptr) inputs.push_back(*sample_weight);
  std::string key;
  for (const Tensor& input : inputs) {
    key += format("{}{}", input.dtype(), input.shape());
  }
  auto found = updates_.find(key);
  if (found == updates_.end()) {
    Graph graph;
    CallContext ctx(graph);
    const char* names[] = {"y_true", "y_pred", "sample_weight"};
    std::vector<Value> values;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      values.push_back(
          graph.parameter({inputs[i].dtype(), inputs[i].shape()}, names[i]));
    }
    metric.update_state(
        ctx, values[0], values[1], values.size() > 2 ? values[2] : Value());
    ctx.finish();
    graph.set_outputs({});
    CompileOptions options;
    options.name = metric.name() + "_update";
    auto program =
        std::make_unique<Program>(graph, default_backend(), group_, options);
    if (updates_.size() >= kKept) updates_.clear();
    found = updates_.emplace(key, std::move(program)).first;
  }
  found->second->run(inputs);
}

Tensor MetricImpl::Standalone::result(const MetricImpl& metric) {
  if (!result_) {
    Graph graph;
    CallContext ctx(graph);
    graph.set_outputs({metric.result(ctx)});
    CompileOptions options;
    options.name = metric.name() + "_result";
    result_ =
        std::make_unique<Program>(graph, default_backend(), group_, options);
  }
  return result_->run({})[0];
}

}  // namespace keratin
