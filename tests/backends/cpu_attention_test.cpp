// Attention in tiles against the same by whole arrays on the reference.

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "src/ir/autodiff.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/backends/cpu_check.hpp"

namespace keratin {
namespace {

using testing::cpu_difference;
using Values = std::vector<Value>;

ValueType f32(Shape shape) {
  return {DType::f32, std::move(shape)};
}

/// y and all gradients, on both backends.
std::string difference(
    const Shape& query,
    const Shape& key,
    const Shape& value,
    const Shape& mask) {
  std::vector<ValueType> types = {f32(query), f32(key), f32(value)};
  if (!mask.empty()) types.push_back({DType::boolean, mask});
  return cpu_difference(
      types,
      [](const Values& v) -> Values {
        const Value y = ops::dot_product_attention(
            v[0], v[1], v[2], 0.4, v.size() > 3 ? v[3] : Value());
        const Values grads = gradients(ops::sum(y * y), {v[0], v[1], v[2]});
        return {y, grads[0], grads[1], grads[2]};
      },
      {.absolute = 2e-5, .low = -2, .high = 2});
}

TEST_CASE("Attention in tiles agrees with attention by whole arrays") {
  // Less than a tile, a tile, several and parts of one; widths that fill no
  // vector.
  CHECK(difference({2, 3, 2, 4}, {2, 5, 2, 4}, {2, 5, 2, 6}, {}) == "");
  CHECK(difference({1, 64, 3, 32}, {1, 64, 3, 32}, {1, 64, 3, 32}, {}) == "");
  CHECK(difference({2, 150, 2, 17}, {2, 70, 2, 17}, {2, 70, 2, 40}, {}) == "");
  CHECK(difference({1, 1, 1, 1}, {1, 200, 1, 1}, {1, 200, 1, 1}, {}) == "");
  CHECK(difference({3, 65, 1, 8}, {3, 1, 1, 8}, {3, 1, 1, 8}, {}) == "");
}

TEST_CASE("Attention in tiles takes masks of every extent") {
  for (const Shape& mask :
       {Shape{2, 3, 70, 90},
        Shape{1, 1, 70, 90},
        Shape{2, 1, 1, 90},
        Shape{2, 3, 70, 1},
        Shape{1, 3, 1, 1}}) {
    CAPTURE(mask.str());
    CHECK(difference({2, 70, 3, 8}, {2, 90, 3, 8}, {2, 90, 3, 8}, mask) == "");
  }
}

TEST_CASE("Attention in half the bits rounds what it gives") {
  const ValueType half = {DType::bf16, {2, 70, 2, 16}};
  CHECK(
      cpu_difference(
          {half, half, half},
          [](const Values& v) -> Values {
            return {ops::dot_product_attention(v[0], v[1], v[2], 0.25)};
          },
          {.absolute = 0x1p-7}) == "");
}

TEST_CASE("Attention over many steps keeps no score") {
  Graph g;
  const Value x = g.parameter(f32({1, 2000, 1, 8}), "x");
  const Value y = ops::dot_product_attention(x, x, x, 0.3);
  g.set_outputs({gradients(ops::sum(y * y), {x})[0]});
  const Program program(g, find_backend("cpu"));
  CHECK(program.stats().arena_bytes < 2000 * 2000);  // a quarter of the scores
}

}  // namespace
}  // namespace keratin
