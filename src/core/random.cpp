#include <mutex>
#include <random>

#include <keratin/random.hpp>

#include "src/core/philox.hpp"
#include "src/core/random_state.hpp"

namespace keratin {

namespace {

struct SeedStream : RandomState {
  std::mutex mutex;
};

SeedStream& stream() {
  static SeedStream instance;
  return instance;
}

// Apart from every stream that an op counts through with the same key.
constexpr std::uint64_t kSeedStream = ~std::uint64_t{0};

}  // namespace

void set_random_seed(std::uint64_t seed) {
  SeedStream& s = stream();
  const std::lock_guard lock(s.mutex);
  s.seeded = true;
  s.seed = seed;
  s.drawn = 0;
}

RandomState random_state() {
  SeedStream& s = stream();
  const std::lock_guard lock(s.mutex);
  return s;
}

void set_random_state(const RandomState& state) {
  SeedStream& s = stream();
  const std::lock_guard lock(s.mutex);
  static_cast<RandomState&>(s) = state;
}

std::uint64_t next_seed() {
  SeedStream& s = stream();
  const std::lock_guard lock(s.mutex);
  if (!s.seeded) {
    std::random_device device;
    s.seed = (std::uint64_t{device()} << 32) | device();
    s.seeded = true;
  }
  const PhiloxCounter words =
      philox(philox_counter(s.drawn++, kSeedStream), philox_key(s.seed));
  return (std::uint64_t{words[1]} << 32) | words[0];
}

}  // namespace keratin
