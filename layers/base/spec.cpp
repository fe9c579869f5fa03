// Shape inference by tracing: a layer is called on a throw-away graph.

#include <array>
#include <string>
#include <vector>

#include <keratin/error.hpp>

#include "layers/base/probe.hpp"
#include "src/core/format.hpp"
#include "src/ir/graph.hpp"

namespace keratin {

namespace {

/// What stands for an unknown dimension: primes that no real dimension is
/// likely to equal, so that a result can be told apart by comparing two traces.
constexpr std::array<std::int64_t, 2> kProbes = {9973, 9967};

thread_local std::int64_t active_probe = 0;

class ProbeScope {
 public:
  explicit ProbeScope(std::int64_t probe) : previous_(active_probe) {
    active_probe = probe;
  }

  ~ProbeScope() { active_probe = previous_; }

  ProbeScope(const ProbeScope&) = delete;
  ProbeScope& operator=(const ProbeScope&) = delete;

 private:
  std::int64_t previous_;
};

Shape fill_unknown(const Shape& shape, std::int64_t probe) {
  Shape out = shape;
  for (std::size_t i = 0; i < out.rank(); ++i) {
    if (out[i] == kUnknown) out[i] = probe;
  }
  return out;
}

CallInputs make_inputs(
    Graph& graph, const Arguments<LayerImpl::Spec>& specs, std::int64_t probe) {
  CallInputs inputs;
  for (const auto& item : specs.items) {
    Argument<Value> argument{item.name, {}, item.is_list, item.constant};
    for (const LayerImpl::Spec& spec : item.tensors) {
      argument.tensors.push_back(
          graph.parameter({spec.dtype, fill_unknown(spec.shape, probe)}, "x"));
    }
    inputs.items.push_back(std::move(argument));
  }
  return inputs;
}

/// "9973" in a message means an unknown dimension to its reader.
std::string hide_probe(std::string message, std::int64_t probe) {
  const std::string digits = std::to_string(probe);
  for (auto at = message.find(digits); at != std::string::npos;
       at = message.find(digits, at)) {
    message.replace(at, digits.size(), "None");
  }
  return message;
}

std::vector<LayerImpl::Spec> trace(
    LayerImpl& layer,
    const Arguments<LayerImpl::Spec>& inputs,
    std::int64_t probe) {
  const ProbeScope scope(probe);
  Graph graph;
  CallContext ctx(graph);
  try {
    const CallInputs values = make_inputs(graph, inputs, probe);
    std::vector<LayerImpl::Spec> specs;
    for (const Value& value : layer.invoke(ctx, values)) {
      specs.push_back({value.shape(), value.dtype()});
    }
    return specs;
  } catch (const InvalidArgument& error) {
    for (const LayerImpl::Spec& spec : inputs.tensors()) {
      if (spec.dtype != DType::string) continue;
      throw InvalidArgument(format(
          "{} expected numbers, got strings; encode them first, e.g. with "
          "TextVectorization or StringLookup",
          layer.who()));
    }
    throw InvalidArgument(hide_probe(error.what(), probe));
  }
}

}  // namespace

Shape hide_probe(const Shape& shape) {
  if (active_probe == 0) return shape;
  Shape out = shape;
  for (std::size_t i = 0; i < out.rank(); ++i) {
    if (out[i] == active_probe) out[i] = kUnknown;
  }
  return out;
}

std::vector<LayerImpl::Spec> LayerImpl::compute_output_spec(
    const Arguments<Spec>& inputs) {
  std::vector<Spec> specs = trace(*this, inputs, kProbes[0]);
  bool unknown = false;
  for (const Spec& spec : inputs.tensors()) {
    unknown = unknown || !spec.shape.is_static();
  }
  if (!unknown) return specs;
  const std::vector<Spec> other = trace(*this, inputs, kProbes[1]);
  for (std::size_t i = 0; i < specs.size(); ++i) {
    for (std::size_t axis = 0; axis < specs[i].shape.rank(); ++axis) {
      if (specs[i].shape[axis] != other[i].shape[axis]) {
        specs[i].shape[axis] = kUnknown;
      }
    }
  }
  return specs;
}

}  // namespace keratin
