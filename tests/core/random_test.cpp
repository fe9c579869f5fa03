#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <thread>
#include <vector>

#include <keratin/random.hpp>

#include "src/core/philox.hpp"
#include "src/core/random_state.hpp"

namespace keratin {

TEST_CASE("Philox gives Random123's known answers") {
  // kat_vectors of Random123 1.09, philox4x32 10.
  CHECK(
      philox({0, 0, 0, 0}, {0, 0}) ==
      PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(
      philox(
          {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
          {0xffffffff, 0xffffffff}) ==
      PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(
      philox(
          {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
          {0xa4093822, 0x299f31d0}) ==
      PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform numbers lie in [0, 1), the ends included and excluded") {
  CHECK(uniform_float(0) == 0.0F);
  CHECK(uniform_float(0xffffffff) == 1.0F - 0x1p-24F);
  CHECK(uniform_double(0, 0) == 0.0);
  CHECK(uniform_double(0xffffffff, 0xffffffff) == 1.0 - 0x1p-53);
  CHECK(uniform_double(0x80000000, 0) == 0.5);
}

TEST_CASE("normal numbers are finite at the ends and have the moments") {
  CHECK(normal_float(0xffffffff, 0)[0] == doctest::Approx(5.7681F));
  CHECK(std::isfinite(normal_float(0xffffffff, 0xffffffff)[1]));
  CHECK(normal_float(0, 0)[0] == 0.0F);
  double sums[5] = {};
  const int blocks = 50'000;
  for (int i = 0; i < blocks; ++i) {
    const PhiloxCounter words =
        philox(philox_counter(static_cast<std::uint64_t>(i)), philox_key(7));
    const auto pair = normal_float(words[0], words[1]);
    const auto wide = normal_double(words);
    for (const double x : {double{pair[0]}, double{pair[1]}}) {
      sums[0] += x;
      sums[1] += x * x;
      sums[2] += x * x * x * x;
    }
    sums[3] += wide[0] * wide[0];
    sums[4] += wide[0] * wide[1];
  }
  // Five standard errors each.
  CHECK(std::fabs(sums[0] / (2 * blocks)) < 5 / std::sqrt(2.0 * blocks));
  CHECK(std::fabs(sums[1] / (2 * blocks) - 1) < 5 * std::sqrt(1.0 / blocks));
  CHECK(std::fabs(sums[2] / (2 * blocks) - 3) < 5 * std::sqrt(48.0 / blocks));
  CHECK(std::fabs(sums[3] / blocks - 1) < 5 * std::sqrt(2.0 / blocks));
  CHECK(std::fabs(sums[4] / blocks) < 5 / std::sqrt(1.0 * blocks));
}

TEST_CASE("keys and counters take all bits of their numbers") {
  CHECK(philox_key(0x0123456789abcdef) == PhiloxKey{0x89abcdef, 0x01234567});
  CHECK(
      philox_counter(0x0123456789abcdef, 0x1122334455667788) ==
      PhiloxCounter{0x89abcdef, 0x01234567, 0x55667788, 0x11223344});
}

TEST_CASE("one seed gives one stream, another seed another") {
  const auto draw = [](std::uint64_t seed) {
    set_random_seed(seed);
    return std::vector<std::uint64_t>{next_seed(), next_seed(), next_seed()};
  };
  const auto first = draw(42);
  CHECK(draw(42) == first);
  CHECK(draw(43) != first);
  CHECK(std::set(first.begin(), first.end()).size() == 3);
}

TEST_CASE("threads never draw the same seed") {
  set_random_seed(1);
  std::vector<std::vector<std::uint64_t>> drawn(4);
  std::vector<std::thread> threads;
  for (auto& mine : drawn) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 500; ++i) mine.push_back(next_seed());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint64_t> all;
  for (const auto& mine : drawn) all.insert(mine.begin(), mine.end());
  CHECK(all.size() == 2000);
}

TEST_CASE("the stream of seeds goes on from where it stood") {
  set_random_seed(7);
  next_seed();
  const RandomState state = random_state();
  const std::uint64_t second = next_seed();
  set_random_seed(8);
  next_seed();
  set_random_state(state);
  CHECK(next_seed() == second);
  CHECK(random_state().drawn == 2);
}

}  // namespace keratin
