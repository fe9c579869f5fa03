#pragma once

#include <cstdint>

namespace keratin {

/// Where the stream of seeds behind next_seed() stands.
struct RandomState {
  bool seeded = false;
  std::uint64_t seed = 0;
  std::uint64_t drawn = 0;
};

/// Both are safe from several threads.
RandomState random_state();
void set_random_state(const RandomState& state);

}  // namespace keratin
