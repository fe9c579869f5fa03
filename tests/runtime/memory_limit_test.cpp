#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/env.hpp"
#include "src/ir/autodiff.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;

namespace {

constexpr std::int64_t kChannels = 32;

Tensor normals(const Shape& shape, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Tensor tensor(DType::f32, shape);
  for (float& element : tensor.mutable_data<float>()) {
    element = normal(generator);
  }
  return tensor;
}

/// Residual blocks of convolution, batch normalisation and ReLU: the loss and
/// the gradients by all weights.
Graph residual_network(std::size_t blocks) {
  Graph g;
  Value y = g.parameter({DType::f32, {2, 32, 32, kChannels}}, "x");
  std::vector<Value> weights;
  for (std::size_t i = 0; i < blocks; ++i) {
    const LayerScope scope(g, "block_" + std::to_string(i));
    const Value w =
        g.parameter({DType::f32, {3, 3, kChannels, kChannels}}, "w");
    const Value gamma = g.parameter({DType::f32, {kChannels}}, "gamma");
    const Value beta = g.parameter({DType::f32, {kChannels}}, "beta");
    weights.insert(weights.end(), {w, gamma, beta});
    const Value conv = ops::conv(y, w, {.pad_low = {1, 1}, .pad_high = {1, 1}});
    const Value normal = ops::batch_norm_training(conv, gamma, beta, 1e-3).y;
    y = ops::relu(normal + y);
  }
  const Value loss = ops::mean(y * y);
  std::vector<Value> outputs = gradients(loss, weights);
  outputs.push_back(loss);
  g.set_outputs(outputs);
  return g;
}

struct Run {
  std::vector<Tensor> outputs;
  std::int64_t arena_bytes = 0;
};

Run run(const Graph& graph, const char* backend, std::int64_t limit) {
  set_memory_limit(limit);
  Program program(graph, find_backend(backend));
  set_memory_limit(0);
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.parameters()) {
    inputs.push_back(
        normals(graph.type(id).shape, static_cast<unsigned>(id + 1)));
  }
  return {program.run(inputs), program.stats().arena_bytes};
}

}  // namespace

TEST_CASE("A memory limit makes activations again, with the same numbers") {
  const Graph graph = residual_network(10);
  for (const char* backend : {"reference", "cpu"}) {
    CAPTURE(backend);
    const Run all = run(graph, backend, 0);
    const Run least = run(graph, backend, 1);
    // Values alone take 5.5 MB, with all that can be made again 4 MB.
    const Run some = run(graph, backend, 4750000);
    if (backend == std::string("cpu")) {  // reference's scratch is larger
      CHECK(least.arena_bytes < all.arena_bytes - 1500000);
      CHECK(some.arena_bytes < all.arena_bytes);
      CHECK(some.arena_bytes > least.arena_bytes);
    }
    for (const Run* limited : {&least, &some}) {
      REQUIRE(limited->outputs.size() == all.outputs.size());
      for (std::size_t i = 0; i < all.outputs.size(); ++i) {
        CHECK(
            limited->outputs[i].to_vector<float>() ==
            all.outputs[i].to_vector<float>());
      }
    }
  }
}

TEST_CASE("A limit that is far off changes nothing") {
  const Graph graph = residual_network(2);
  CHECK(
      run(graph, "cpu", std::int64_t{1} << 40).arena_bytes ==
      run(graph, "cpu", 0).arena_bytes);
}

TEST_CASE("The memory limit is set, or the environment's, or none") {
  CHECK(memory_limit() == 0);
  const env::ScopedSetting setting("KERATIN_MEMORY_LIMIT", "2MB");
  CHECK(memory_limit() == 2000000);
  set_memory_limit(5);
  CHECK(memory_limit() == 5);
  set_memory_limit(0);
  CHECK(memory_limit() == 2000000);
  CHECK(testing::message_of<InvalidArgument>([] {
          set_memory_limit(-1);
        }) == "[set_memory_limit] expected bytes >= 0, got -1");
}

TEST_CASE("Running out of memory names the layer, the size and what helps") {
  constexpr std::int64_t kSide = std::int64_t{1} << 25;
  for (const char* backend : {"reference", "cpu"}) {
    Graph g;
    const Value x = g.parameter({DType::f32, {kSide, 1}}, "x");
    const Value y = g.parameter({DType::f32, {1, kSide}}, "y");
    {
      const LayerScope scope(g, "too_large");
      g.set_outputs({ops::sum(ops::matmul(x, y), {1})});
    }
    Program program(g, find_backend(backend), nullptr, {.name = "train"});
    const std::vector<Tensor> inputs = {
        Tensor(DType::f32, {kSide, 1}), Tensor(DType::f32, {1, kSide})};
    const std::string message =
        testing::message_of<SystemError>([&] { program.run(inputs); });
    CAPTURE(message);
    CHECK(message.starts_with("[train] needs "));
    CHECK(
        message.find("4503599627370496 bytes for f32[33554432,33554432] of "
                     "[matmul %2 @too_large]") != std::string::npos);
    CHECK(message.find("use a smaller batch") != std::string::npos);
    CHECK(message.find("set_memory_limit") != std::string::npos);
  }
}
