#include <doctest/doctest.h>

#include <keratin/ops.hpp>
#include <keratin/threads.hpp>

#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/support/threads.hpp"

using namespace keratin;

namespace {

std::vector<Tensor> draw(
    const std::string& backend, const Shape& shape, std::uint32_t counter) {
  Graph g;
  const Value state = g.parameter({DType::u32, {2}}, "state");
  g.set_outputs(
      {ops::random_bits(state, shape),
       ops::random_uniform(state, shape),
       ops::random_uniform(state, shape, -3.7, 1.3),
       ops::random_uniform(state, shape, 1, 1.0000001),
       ops::random_normal(state, shape, 0.3, 1.7)});
  const std::vector<Tensor> inputs = {
      Tensor(std::vector<std::uint32_t>{0x9E3779B9, counter})};
  return Program(g, find_backend(backend)).run(inputs);
}

}  // namespace

TEST_CASE("Random numbers are reference's, bit for bit") {
  for (const Shape& shape :
       {Shape{1},
        Shape{3},
        Shape{64},
        Shape{5, 7},
        Shape{1027},
        Shape{300, 101}}) {
    CAPTURE(shape.str());
    const auto expected = draw("reference", shape, 42);
    const auto got = draw("cpu", shape, 42);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i);
      CHECK((expected[i] == got[i]));
    }
  }
}

TEST_CASE("Random numbers do not depend on the number of threads") {
  const int before = num_threads();
  set_num_threads(1);
  const auto alone = draw("cpu", {50000}, 7);
  set_num_threads(testing::kTeam);
  const auto together = draw("cpu", {50000}, 7);
  set_num_threads(before);
  for (std::size_t i = 0; i < alone.size(); ++i) {
    CHECK((alone[i] == together[i]));
  }
  CHECK_FALSE((alone[0] == draw("cpu", {50000}, 8)[0]));
}
