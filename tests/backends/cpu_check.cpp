#include "tests/backends/cpu_check.hpp"

#include <algorithm>
#include <cmath>

#include "src/backends/cpu/backend.hpp"
#include "src/backends/host/executable.hpp"
#include "src/backends/reference/kernels.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/core/philox.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

namespace keratin::testing {

namespace {

Graph graph_of(const std::vector<ValueType>& types, const Build& build) {
  Graph g;
  std::vector<Value> inputs;
  for (const ValueType& type : types) {
    inputs.push_back(g.parameter(type, keratin::format("x{}", inputs.size())));
  }
  g.set_outputs(build(inputs));
  return g;
}

std::vector<Tensor> run(
    const Graph& graph,
    const std::vector<Tensor>& inputs,
    const std::string& backend,
    bool optimized) {
  if (optimized) return Program(graph, find_backend(backend)).run(inputs);
  const auto table = backend == "cpu" ? cpu::kernels() : reference::kernels();
  const auto executable = host::compile(graph, table, backend, {});
  std::vector<Tensor> outputs;
  executable->run(inputs, outputs);
  return outputs;
}

// What differs most between two results of one type.
std::string tensor_difference(
    const Tensor& expected, const Tensor& got, double absolute) {
  if (expected.dtype() != got.dtype() || expected.shape() != got.shape()) {
    return keratin::format("type {} {}", got.dtype(), got.shape());
  }
  double magnitude = 1;
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    const double value = std::fabs(expected.at(i));
    if (std::isfinite(value)) magnitude = std::max(magnitude, value);
  }
  const bool exact = !is_floating(expected.dtype());
  const double allowed = exact ? 0 : absolute * magnitude;
  std::string worst;
  double most = allowed;
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    const double e = expected.at(i);
    const double g = got.at(i);
    if (std::isnan(e) && std::isnan(g)) continue;
    if (e == g) continue;
    const double distance = std::fabs(e - g);
    if (distance <= most) continue;  // not so for NaN and infinity
    if (std::isfinite(distance)) most = distance;
    worst = keratin::format("element {}: expected {}, got {}", i, e, g);
  }
  return worst;
}

}  // namespace

Tensor spread(
    DType dtype,
    const Shape& shape,
    double low,
    double high,
    std::uint64_t seed) {
  Tensor all(DType::f64, shape);
  auto out = all.mutable_data<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const PhiloxCounter words = philox(philox_counter(i), philox_key(seed));
    out[i] = low + (high - low) * uniform_double(words[0], words[1]);
    if (!is_floating(dtype)) out[i] = std::floor(out[i]);
  }
  return all.cast(dtype);
}

std::string cpu_difference(
    const std::vector<ValueType>& types,
    const Build& build,
    const CheckOptions& options) {
  const Graph graph = graph_of(types, build);
  std::vector<Tensor> inputs;
  for (const ValueType& type : types) {
    inputs.push_back(spread(
        type.dtype,
        type.shape,
        options.low,
        options.high,
        options.seed + inputs.size()));
  }
  const auto expected = run(graph, inputs, "reference", options.optimized);
  const auto got = run(graph, inputs, "cpu", options.optimized);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::string difference =
        tensor_difference(expected[i], got[i], options.absolute);
    if (!difference.empty()) {
      return keratin::format("output {}: {}", i, difference);
    }
  }
  return {};
}

std::vector<std::string> kernels_chosen(
    const std::vector<ValueType>& types, const Build& build) {
  const LogCapture capture({"dispatch"});
  host::compile(graph_of(types, build), cpu::kernels(), "cpu", {});
  std::vector<std::string> chosen;
  for (const LogLine& line : capture.lines()) {
    if (line.channel != LogChannel::dispatch) continue;
    if (line.text.rfind("cpu: ", 0) == 0) chosen.push_back(line.text.substr(5));
  }
  return chosen;
}

}  // namespace keratin::testing
