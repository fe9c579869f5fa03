#include <doctest/doctest.h>

#include <cmath>

#include <keratin/ops.hpp>
#include <keratin/threads.hpp>

#include "src/core/philox.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/support/threads.hpp"

using namespace keratin;

namespace {

template <class F>
Tensor draw(const F& build, std::uint32_t seed = 7, std::uint32_t counter = 3) {
  Graph g;
  const Value state = g.parameter({DType::u32, {2}}, "state");
  g.set_outputs({build(state)});
  Program program(g, find_backend("reference"));
  return program.run(std::vector<Tensor>{
      Tensor(std::vector<std::uint32_t>{seed, counter})})[0];
}

}  // namespace

TEST_CASE("Random bits are Philox words by their index") {
  const Tensor bits = draw([](const Value& s) {
    return ops::random_bits(s, {3, 3});
  });
  for (std::uint32_t i = 0; i < 9; ++i) {
    const PhiloxCounter words = philox({i / 4, 0, 0, 0}, {7, 3});
    CHECK(bits.data<std::uint32_t>()[i] == words[i % 4]);
  }
}

TEST_CASE("Uniform numbers are the upper bits of the words") {
  const Tensor f32 =
      draw([](const Value& s) { return ops::random_uniform(s, {7}, -1, 3); });
  const Tensor f64 = draw([](const Value& s) {
    return ops::random_uniform(s, {5}, 0, 1, DType::f64);
  });
  for (std::uint32_t i = 0; i < 7; ++i) {
    const PhiloxCounter words = philox({i / 4, 0, 0, 0}, {7, 3});
    CHECK(f32.data<float>()[i] == -1 + 4 * uniform_float(words[i % 4]));
  }
  for (std::uint32_t i = 0; i < 5; ++i) {
    const PhiloxCounter words = philox({i / 2, 0, 0, 0}, {7, 3});
    const std::uint32_t j = i % 2 * 2;
    CHECK(f64.data<double>()[i] == uniform_double(words[j], words[j + 1]));
  }
}

TEST_CASE("A shorter draw is the beginning of a longer one") {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
    const auto normal = [&](std::int64_t n) {
      return draw([&](const Value& s) {
        return ops::random_normal(s, {n}, 1, 2, dtype);
      });
    };
    const Tensor all = normal(11);
    for (const std::int64_t n : {0, 1, 2, 3, 10}) {
      CHECK(normal(n) == all.slice(0, n));
    }
  }
}

TEST_CASE("Uniform numbers stay below the upper end in every dtype") {
  for (const DType dtype : {DType::f32, DType::f64, DType::f16, DType::bf16}) {
    CAPTURE(short_name(dtype));
    const Tensor x = draw([&](const Value& s) {
      return ops::random_uniform(s, {20000}, -2, 1, dtype);
    });
    double low = 9;
    double high = -9;
    double sum = 0;
    for (std::int64_t i = 0; i < x.size(); ++i) {
      low = std::min(low, x.at(i));
      high = std::max(high, x.at(i));
      sum += x.at(i);
    }
    CHECK(low >= -2);
    CHECK(low < -1.99);
    CHECK(high < 1);
    CHECK(high > 0.98);
    CHECK(sum / 20000 == doctest::Approx(-0.5).epsilon(0.05));
  }
}

TEST_CASE("Normal numbers have the mean and deviation asked for") {
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor x = draw([&](const Value& s) {
      return ops::random_normal(s, {200, 100}, 3, 0.5, dtype);
    });
    double sum = 0;
    double squares = 0;
    for (std::int64_t i = 0; i < x.size(); ++i) {
      sum += x.at(i);
      squares += (x.at(i) - 3) * (x.at(i) - 3);
    }
    CHECK(sum / 20000 == doctest::Approx(3).epsilon(0.01));
    CHECK(std::sqrt(squares / 20000) == doctest::Approx(0.5).epsilon(0.02));
  }
}

TEST_CASE("Seed and counter both change the numbers, threads do not") {
  const auto uniform = [](const Value& s) {
    return ops::random_uniform(s, {1000});
  };
  const Tensor x = draw(uniform);
  CHECK(draw(uniform, 8) != x);
  CHECK(draw(uniform, 7, 4) != x);
  const int before = num_threads();
  set_num_threads(before == 1 ? testing::kTeam : 1);
  CHECK(draw(uniform) == x);
  set_num_threads(before);
}
