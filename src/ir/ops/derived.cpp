#include "src/ir/ops/derived.hpp"

#include <algorithm>

#include "src/core/check.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/ops/rules.hpp"

namespace keratin::rules {

std::vector<Value> gradient_through(
    const std::vector<Value>& equivalent, const GradientArgs& args) {
  std::vector<Value> xs;
  for (std::size_t i = 0; i < args.inputs.size(); ++i) {
    const Value& input = args.inputs[i];
    if (!is_differentiable(input) || !args.wants(i)) continue;
    if (std::find(xs.begin(), xs.end(), input) == xs.end()) {
      xs.push_back(input);
    }
  }
  const std::vector<Value> grads = vjp(equivalent, xs, args.grads);
  std::vector<Value> results(args.inputs.size());
  for (std::size_t i = 0; i < xs.size(); ++i) {
    const auto first = std::find(args.inputs.begin(), args.inputs.end(), xs[i]);
    results[static_cast<std::size_t>(first - args.inputs.begin())] = grads[i];
  }
  return results;
}

std::vector<Value> gradient_by_decomposition(const GradientArgs& args) {
  const OpInfo& info = op_info(args.op);
  KERATIN_CHECK(info.decompose != nullptr, "{} is a primitive", info.name);
  return gradient_through(
      info.decompose({args.graph, args.op, args.attrs, args.inputs}), args);
}

}  // namespace keratin::rules
