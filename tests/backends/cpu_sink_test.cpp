// What sweeps read in place: slices, and rows that are scattered over many.

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "src/backends/cpu/sink_operands.hpp"
#include "src/core/env.hpp"
#include "src/ir/text.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

namespace keratin {
namespace {

Graph graph_of(const std::string& text) {
  return parse_graph("graph {\n" + text + "\n}");
}

std::string after(const std::string& text) {
  return print(eliminate_dead(cpu::sink_operands(graph_of(text))));
}

std::string as_it_is(const std::string& text) {
  return print(graph_of(text));
}

// -- the pass ----------------------------------------------------------------

const std::string kRows =
    "%0 = parameter(\"i\") : i32[2,3]\n"
    "%1 = parameter(\"u\") : f32[2,3,16]\n"
    "%2 = parameter(\"w\") : f32[40,16]\n"
    "%3 = scatter_add(%0, %1) {shape=[40, 16], axis=0} : f32[40,16] @@embed\n";

TEST_CASE("Rows that are scattered for one sweep are added up inside it") {
  CHECK_EQ(
      after(kRows + "%4 = subtract(%2, %3) : f32[40,16] @sgd\nreturn %4"),
      as_it_is("%0 = parameter(\"i\") : i32[2,3]\n"
               "%1 = parameter(\"u\") : f32[2,3,16]\n"
               "%2 = parameter(\"w\") : f32[40,16]\n"
               "%3 = fused(%2, %0, %1) {body=graph {\n"
               "%0 = parameter(\"x0\") : f32[40,16]\n"
               "%1 = parameter(\"x1\") : i32[2,3]\n"
               "%2 = parameter(\"x2\") : f32[2,3,16]\n"
               "%3 = scatter_add(%1, %2) {shape=[40, 16], axis=0} : f32[40,16] "
               "@@embed\n"
               "%4 = subtract(%0, %3) : f32[40,16] @sgd\n"
               "return %4\n}} : f32[40,16] @sgd\nreturn %3"));
}

TEST_CASE("Rows that others read, too, stay whole") {
  const std::string sum =
      kRows +
      "%4 = subtract(%2, %3) : f32[40,16]\n"
      "%5 = reduce_sum(%3) {axes=[0, 1], keepdims=false} : f32[]\n"
      "return %4, %5";
  CHECK_EQ(after(sum), as_it_is(sum));
  const std::string result =
      kRows + "%4 = subtract(%2, %3) : f32[40,16]\nreturn %4, %3";
  CHECK_EQ(after(result), as_it_is(result));
  const std::string reduced =
      kRows +
      "%4 = reduce_sum(%3) {axes=[0, 1], keepdims=false} : f32[]\nreturn %4";
  CHECK_EQ(after(reduced), as_it_is(reduced));
}

TEST_CASE("As many rows as there are places are written down") {
  const std::string text =
      "%0 = parameter(\"i\") : i32[30]\n"
      "%1 = parameter(\"u\") : f32[30,16]\n"
      "%2 = parameter(\"w\") : f32[40,16]\n"
      "%3 = scatter_add(%0, %1) {shape=[40, 16], axis=0} : f32[40,16]\n"
      "%4 = subtract(%2, %3) : f32[40,16]\nreturn %4";
  CHECK_EQ(after(text), as_it_is(text));
}

TEST_CASE("A slice that only sweeps use is read where it is") {
  CHECK_EQ(
      after("%0 = parameter(\"x\") : f32[4,64]\n"
            "%1 = slice(%0) {start=[0, 16], stop=[4, 32], step=[1, 1]} : "
            "f32[4,16]\n"
            "%2 = exp(%1) : f32[4,16]\nreturn %2"),
      as_it_is("%0 = parameter(\"x\") : f32[4,64]\n"
               "%1 = fused(%0) {body=graph {\n"
               "%0 = parameter(\"x0\") : f32[4,64]\n"
               "%1 = slice(%0) {start=[0, 16], stop=[4, 32], step=[1, 1]} : "
               "f32[4,16]\n"
               "%2 = exp(%1) : f32[4,16]\n"
               "return %2\n}} : f32[4,16]\nreturn %1"));
}

TEST_CASE("A slice with steps, or that is a result, is copied") {
  for (const char* rest :
       {"%1 = slice(%0) {start=[0, 0], stop=[4, 32], step=[1, 2]} : f32[4,16]\n"
        "%2 = exp(%1) : f32[4,16]\nreturn %2",
        "%1 = slice(%0) {start=[0, 0], stop=[4, 16], step=[1, 1]} : f32[4,16]\n"
        "%2 = exp(%1) : f32[4,16]\nreturn %2, %1"}) {
    const std::string text =
        std::string("%0 = parameter(\"x\") : f32[4,64]\n") + rest;
    CHECK_EQ(after(text), as_it_is(text));
  }
}

// -- the sweep ---------------------------------------------------------------

constexpr std::int64_t kPlaces = 5000;
constexpr std::int64_t kWidth = 24;
constexpr std::int64_t kNamed = 60;

Tensor normals(const Shape& shape, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Tensor tensor(DType::f32, shape);
  for (float& element : tensor.mutable_data<float>()) {
    element = normal(generator);
  }
  return tensor;
}

/// Rows named twice and thrice, and numbers that name none.
Tensor numbers() {
  Tensor tensor(DType::i32, {kNamed});
  auto data = tensor.mutable_data<std::int32_t>();
  for (std::int64_t i = 0; i < kNamed; ++i) {
    data[i] = static_cast<std::int32_t>(i * 7919 % (kPlaces / 2));
  }
  data[5] = data[3];
  data[50] = data[3];
  data[7] = -1;
  data[8] = kPlaces;
  data[9] = kPlaces - 1;
  return tensor;
}

std::vector<float> bits_of(const Variable& variable) {
  return variable.value().to_vector<float>();
}

/// w and m after two steps that begin at these values: bit for bit the same
/// with and without the pass.
void check_steps(const std::string& step, const Tensor& w, float rate) {
  const std::string text =
      "%0 = parameter(\"i\") : i32[60]\n"
      "%1 = parameter(\"u\") : f32[60,24]\n"
      "%2 = read(\"w\") : f32[5000,24]\n"
      "%3 = read(\"rate\") : f32[]\n"
      "%4 = scatter_add(%0, %1) {shape=[5000, 24], axis=0} : f32[5000,24]\n" +
      step;
  const auto weights_after = [&](const char* passes) {
    const env::ScopedSetting setting("KERATIN_PASSES", passes);
    const Graph graph = graph_of(text);
    std::vector<Variable> all;
    for (const Node& node : graph.nodes()) {
      if (node.op != Op::read) continue;
      auto variable = node.attrs.get<Variable>("variable");
      if (variable.path() == "w") variable.assign(w);
      if (variable.path() == "m") variable.assign(normals(w.shape(), 3));
      if (variable.path() == "rate") {
        variable.assign(Tensor(rate));
      }
      all.push_back(variable);
    }
    Program program(graph, find_backend("cpu"));
    const std::vector<Tensor> inputs = {
        numbers(), normals({kNamed, kWidth}, 4)};
    program.run(inputs);
    program.run(inputs);
    std::vector<std::vector<float>> values;
    values.reserve(all.size());
    for (const Variable& variable : all) values.push_back(bits_of(variable));
    return values;
  };
  const auto plain = weights_after("-sink_operands");
  const auto sunk = weights_after("");
  REQUIRE_EQ(plain.size(), sunk.size());
  for (std::size_t i = 0; i < plain.size(); ++i) {
    REQUIRE_EQ(plain[i].size(), sunk[i].size());
    CHECK(
        std::memcmp(
            plain[i].data(), sunk[i].data(), plain[i].size() * sizeof(float)) ==
        0);
  }
}

const std::string kDescent =
    "%5 = multiply(%4, %3) : f32[5000,24]\n"
    "%6 = subtract(%2, %5) : f32[5000,24]\n"
    "assign(\"w\", %6)\nreturn";

TEST_CASE("Gradient descent by scattered rows is what it is by all rows") {
  const Tensor w = normals({kPlaces, kWidth}, 1);
  check_steps(kDescent, w, 0.1F);
}

TEST_CASE(
    "Rows that are not named keep a negative zero only where they would") {
  Tensor w = normals({kPlaces, kWidth}, 1);
  for (float& element : w.mutable_data<float>()) {
    if (element < 0) element = -0.0F;
  }
  for (const float rate :
       {0.0F, -0.0F, -0.1F, std::numeric_limits<float>::infinity()}) {
    CAPTURE(rate);
    check_steps(kDescent, w, rate);
  }
}

TEST_CASE("Momentum by scattered rows moves the rows that are not named") {
  check_steps(
      "%5 = read(\"m\") : f32[5000,24]\n"
      "%6 = multiply(%5, %3) : f32[5000,24]\n"
      "%7 = subtract(%6, %4) : f32[5000,24]\n"
      "%8 = add(%2, %7) : f32[5000,24]\n"
      "assign(\"w\", %8)\n"
      "assign(\"m\", %7)\nreturn",
      normals({kPlaces, kWidth}, 1),
      0.9F);
}

TEST_CASE("Rows that are not named change where the formula says so") {
  // Weight decay: w * rate - rows.
  check_steps(
      "%5 = multiply(%2, %3) : f32[5000,24]\n"
      "%6 = subtract(%5, %4) : f32[5000,24]\n"
      "assign(\"w\", %6)\nreturn",
      normals({kPlaces, kWidth}, 1),
      0.9F);
}

}  // namespace
}  // namespace keratin
