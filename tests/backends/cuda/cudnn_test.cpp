// cuDNN's graphs, built and planned by cuDNN itself for a card that is not
// there: its device properties are given as text.

#include "src/backends/cuda/cudnn.hpp"

#include <doctest/doctest.h>

#include <keratin/ops.hpp>

#include "src/backends/cuda/api.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "tests/backends/cuda/programs.hpp"
#include "tests/support/skip.hpp"

using namespace keratin;
using namespace keratin::cuda;
using namespace keratin::cuda::testing;

namespace {

// An H200, in the words of CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION.
constexpr const char* kHopper = R"({
  "deviceName": "NVIDIA H200", "cudaDeviceId": 0, "deviceVer": 900,
  "multiProcessorCount": 132, "driverVer": 13000,
  "totalGlobalMem": 150000000000, "l2CacheSize": 62914560,
  "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
  "reservedSharedMemoryPerBlock": 1024, "regsPerBlock": 65536,
  "maxRegistersPerSM": 65536, "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024,
  "maxThreadsPerSM": 2048, "warpSize": 32,
  "maxGridSize": [2147483647, 65535, 65535],
  "maxBlockSize": [1024, 1024, 64],
  "smClockRateKHz": 1980000, "memClockRateKHz": 3201000,
  "pciDeviceId": 0, "isTccDriver": 0, "supportCoopLaunch": 1
})";

ConvolutionLibrary* hopper(std::string& why) {
  static std::string reason;
  static const std::unique_ptr<ConvolutionLibrary> made =
      []() -> std::unique_ptr<ConvolutionLibrary> {
    void* library = nullptr;
    reason = load_cudnn(library);
    if (!reason.empty()) return nullptr;
    return make_cudnn_for(library, kHopper);
  }();
  why = reason;
  return made.get();
}

// y = conv(x, w) and its two gradients.
Graph convolutions(DType dtype) {
  Graph g;
  const Value x = g.parameter({dtype, {8, 32, 32, 16}}, "x");
  const Value w = g.parameter({dtype, {3, 3, 16, 32}}, "w");
  const Value dy = g.parameter({dtype, {8, 16, 16, 32}}, "dy");
  const Attrs window = {
      {"strides", Ints{2, 2}},
      {"pad_low", Ints{0, 0}},
      {"pad_high", Ints{1, 1}},
      {"dilation", Ints{1, 1}},
      {"groups", std::int64_t{1}}};
  const auto with_shape = [&](const Shape& shape) {
    Attrs attrs = window;
    attrs.set("shape", Ints(shape.begin(), shape.end()));
    return attrs;
  };
  g.set_outputs(
      {g.add1(Op::conv, {x, w}, window),
       g.add1(Op::conv_backward_data, {dy, w}, with_shape(x.shape())),
       g.add1(Op::conv_backward_weights, {x, dy}, with_shape(w.shape()))});
  return g;
}

}  // namespace

TEST_CASE("cuDNN plans convolutions and their gradients for Hopper") {
  std::string why;
  ConvolutionLibrary* library = hopper(why);
  if (library == nullptr) KERATIN_SKIP(why);
  Target target;
  target.convolution = library;
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    const Graph graph = convolutions(dtype);
    for (const Node& node : graph.nodes()) {
      if (node.op == Op::parameter) continue;
      const std::string who = keratin::format("{} {}", graph.who(node), dtype);
      CAPTURE(who);
      const LogCapture log({"dispatch"});
      const auto lowering = library->lower({target, graph, node});
      std::string said;
      for (const LogLine& line : log.lines()) said += line.text + "\n";
      CAPTURE(said);
      REQUIRE(lowering.has_value());
      // Weights are turned into cuDNN's order before it, gradients after.
      Steps steps;
      ConstantPool constants;
      const cuda::Place at{cuda::Place::Base::arena, 0, 0};
      const std::vector<cuda::Place> operands = {at, at};
      const std::vector<cuda::Place> results = {at};
      Emission emission{operands, results, at, steps, constants, who, 0};
      lowering->emit(emission);
      REQUIRE(steps.size() == 2);
      const bool gradient = node.op == Op::conv_backward_weights;
      CHECK(name_of(steps[gradient ? 0 : 1]) == "cudnn.conv");
      CHECK(lowering->scratch_bytes >= 3 * 3 * 16 * 32 * 2);
    }
  }
}

TEST_CASE("What cuDNN does not take goes to kernels of our own") {
  std::string why;
  ConvolutionLibrary* library = hopper(why);
  if (library == nullptr) KERATIN_SKIP(why);
  Target target;
  target.convolution = library;
  const Graph graph = convolutions(DType::f64);
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::parameter) continue;
    const LowerArgs args{target, graph, node};
    CHECK(!library->lower(args).has_value());
    CHECK(lower(args).emit);
  }
}
