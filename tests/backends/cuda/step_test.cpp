// One training step of a perceptron on the stand-in: what is handed over, in
// which order, on which stream, and how long things live.

#include <doctest/doctest.h>

#include <algorithm>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/cuda/programs.hpp"
#include "tests/backends/cuda/stand_in.hpp"
#include "tests/backends/op_case.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;
using namespace keratin::cuda::testing;
using keratin::testing::difference;
using keratin::testing::message_of;

namespace {

std::vector<std::string> names_of(const std::vector<Recorded>& calls) {
  std::vector<std::string> names;
  for (const Recorded& call : calls) names.push_back(call.name);
  return names;
}

std::vector<Tensor> values_of(const std::vector<Variable>& variables) {
  std::vector<Tensor> values;
  for (const Variable& variable : variables) values.push_back(variable.value());
  return values;
}

}  // namespace

TEST_CASE(
    "A perceptron learns on the stand-in what it learns on the reference") {
  const Perceptron ours;
  const Perceptron theirs;
  StandIn::get().precompile(kernels_of(steps_of(ours.step(true))));
  Program fast(ours.step(true), stand_in_backend());
  Program slow(theirs.step(true), find_backend("reference"));
  double first = 0;
  double last = 0;
  for (int turn = 0; turn < 8; ++turn) {
    const auto a = fast.run(perceptron_batch(turn % 2));
    const auto b = slow.run(perceptron_batch(turn % 2));
    CHECK(difference(b[0], a[0], {1e-5, 1e-5}) == "");
    if (turn == 0) first = a[0].at(0);
    last = a[0].at(0);
  }
  CHECK(last < first);
  const auto got = values_of(ours.weights);
  const auto expected = values_of(theirs.weights);
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(difference(expected[i], got[i], {1e-5, 1e-5}) == "");
  }
  check_violations();
}

TEST_CASE("A step without outputs is one graph launch, and nobody waits") {
  const Perceptron model;
  Program program(model.step(false), stand_in_backend());
  for (int turn = 0; turn < 3; ++turn) program.run(perceptron_batch(turn));
  StandIn::get().clear_calls();
  program.run(perceptron_batch(3));
  const std::vector<Recorded> calls = StandIn::get().calls();
  // The staging buffer's last copy is waited for: it is of two runs ago.
  CHECK(
      names_of(calls) == std::vector<std::string>{
                             "cuEventSynchronize",
                             "cuStreamWaitEvent",
                             "cuMemcpyHtoDAsync",
                             "cuEventRecord",
                             "cuStreamWaitEvent",
                             "cuMemcpyDtoDAsync",
                             "cuEventRecord",
                             "cuGraphLaunch"});
  // Inputs travel on a stream of their own.
  CHECK(calls[2].stream == calls[3].stream);
  CHECK(calls[2].stream != calls[7].stream);
  CHECK(calls[5].stream == calls[7].stream);
  stand_in_backend().synchronize();
  check_violations();
}

TEST_CASE("The first run issues every step, the second captures the same") {
  const Perceptron model;
  Program program(model.step(false), stand_in_backend());
  std::vector<std::string> issued[2];
  for (auto& names : issued) {
    StandIn::get().clear_calls();
    program.run(perceptron_batch(0));
    for (const Recorded& call : StandIn::get().calls()) {
      if (call.name == "cuLaunchKernel" || call.name == "cublasLtMatmul") {
        CHECK(call.captured == (&names == &issued[1]));
        names.push_back(call.name + " " + call.detail);
      }
    }
  }
  CHECK(issued[0] == issued[1]);
  CHECK(StandIn::get().count("cuStreamBeginCapture") == 1);
  CHECK(StandIn::get().count("cuGraphInstantiateWithFlags") == 1);
  // Products of the forward and the backward pass go to cuBLASLt: two forward,
  // with their biases (and one relu), two for the weights, one for the hidden
  // layer.
  CHECK(StandIn::get().count("cublasLtMatmul") == 5);
  const auto with = [&](int epilogue) {
    const std::string end = keratin::format("epilogue {}", epilogue);
    return std::count_if(
        issued[1].begin(), issued[1].end(), [&](const std::string& name) {
          return name.ends_with(end);
        });
  };
  CHECK(with(CUBLASLT_EPILOGUE_RELU_BIAS) == 1);
  CHECK(with(CUBLASLT_EPILOGUE_BIAS) == 1);
  stand_in_backend().synchronize();
  check_violations();
}

TEST_CASE("Nothing is freed while the device may use it") {
  const std::int64_t before = StandIn::get().bytes_in_use();
  {
    const Perceptron model;
    {
      Program program(model.step(false), stand_in_backend());
      for (int turn = 0; turn < 4; ++turn) program.run(perceptron_batch(turn));
    }  // with replays under way
    check_violations();
  }
  CHECK(StandIn::get().bytes_in_use() == before);
  check_violations();
}

TEST_CASE("A captured program finds variables that have moved") {
  const Perceptron model;
  const Perceptron twin;
  Program program(model.step(false), stand_in_backend());
  Program elsewhere(model.step(false), find_backend("reference"));
  Program reference(twin.step(false), find_backend("reference"));
  for (int turn = 0; turn < 7; ++turn) {
    // One step on another backend takes the variables away.
    Program& one = turn == 3 ? elsewhere : program;
    one.run(perceptron_batch(turn));
    reference.run(perceptron_batch(turn));
  }
  const auto got = values_of(model.weights);
  const auto expected = values_of(twin.weights);
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(difference(expected[i], got[i], {1e-5, 1e-5}) == "");
  }
  check_violations();
}

TEST_CASE("Programs of a group share an arena that may grow") {
  const Perceptron model;
  const auto group = std::make_shared<ProgramGroup>();
  Program small(model.step(false), stand_in_backend(), group);
  Graph g;
  const Value x = g.parameter({DType::f32, {512, 512}}, "x");
  g.set_outputs({ops::sum(ops::matmul(x, ops::exp(x)), {0})});
  Program large(g, stand_in_backend(), group);
  for (int turn = 0; turn < 3; ++turn) small.run(perceptron_batch(turn));
  // The arena grows while those steps are under way.
  const std::vector<Tensor> ones = {Tensor::full(DType::f32, {512, 512}, 0)};
  CHECK(large.run(ones)[0].at(0) == doctest::Approx(0));
  for (int turn = 0; turn < 3; ++turn) small.run(perceptron_batch(turn));
  check_violations();
}

TEST_CASE("Failures name the call, the op and the layer") {
  const Perceptron model;
  Program program(model.step(true), stand_in_backend());
  program.run(perceptron_batch(0));
  StandIn::get().fail("cuGraphLaunch", CUDA_ERROR_UNKNOWN);
  CHECK(message_of<SystemError>([&] {
          program.run(perceptron_batch(1));
        }).find("cuGraphLaunch") != std::string::npos);
  StandIn::get().fail({}, CUDA_SUCCESS);
  Program other(model.step(true), stand_in_backend());
  StandIn::get().fail("cuLaunchKernel", CUDA_ERROR_UNKNOWN);
  const std::string message =
      message_of<SystemError>([&] { other.run(perceptron_batch(1)); });
  StandIn::get().fail({}, CUDA_SUCCESS);
  CAPTURE(message);
  CHECK(message.find("[program] [") == 0);
  CHECK(message.find("@output]") != std::string::npos);
  CHECK(message.find("cuLaunchKernel(") != std::string::npos);
  CHECK(message.find("as the stand-in was told") != std::string::npos);
}

TEST_CASE("Out of memory says who asked for how much and what is free") {
  StandIn::get().limit_memory(1000);
  const std::string message = message_of<SystemError>([] {
    Graph g;
    const Value x = g.parameter({DType::f32, {1024, 1024}}, "x");
    g.set_outputs({ops::exp(x)});
    Program program(g, stand_in_backend());
  });
  StandIn::get().limit_memory(-1);
  CAPTURE(message);
  CHECK(message.find("[cuda] out of memory on cuda:0: ") == 0);
  CHECK(message.find("the inputs of program") != std::string::npos);
  CHECK(message.find("a smaller batch needs less") != std::string::npos);
}

TEST_CASE("With check_nan the first bad value names its layer") {
  Graph g;
  const Value x = g.parameter({DType::f32, {4}}, "x");
  {
    const LayerScope scope(g, "dense_7");
    g.set_outputs({ops::log(x)});
  }
  Program program(g, stand_in_backend(), nullptr, {.check_nan = true});
  const std::string message = message_of<Error>([&] {
    program.run(std::vector<Tensor>{Tensor(std::vector<float>{1, -1, 2, 3})});
  });
  CAPTURE(message);
  CHECK(message.find("@dense_7] made the first NaN") != std::string::npos);
  CHECK(message.find("element 1 of f32[4]") != std::string::npos);
}
