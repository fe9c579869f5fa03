#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace keratin::testing {

/// Calls attempt(bytes) with the file cut at every 1 %: a hundred times.
template <class F>
void cut_at_every_percent(const std::string& good, F&& attempt) {
  for (std::size_t percent = 0; percent < 100; ++percent) {
    attempt(good.substr(0, good.size() * percent / 100));
  }
}

/// Calls attempt(bytes) with 2,000 copies of the file in which 1 to 3 bytes are
/// others, half of the time near the beginning, where the structures are. The
/// same for every run.
template <class F>
void change_bytes(const std::string& good, F&& attempt) {
  constexpr int kCopies = 2000;
  std::mt19937_64 random(20260101);
  for (int i = 0; i < kCopies; ++i) {
    std::string bytes = good;
    const std::size_t reach =
        random() % 2 ? bytes.size() : std::min<std::size_t>(4096, bytes.size());
    for (std::uint64_t n = 1 + random() % 3; n > 0; --n) {
      char& byte = bytes[random() % reach];
      byte = random() % 2 ? static_cast<char>(random())
                          : static_cast<char>(byte ^ 1 << random() % 8);
    }
    attempt(bytes);
  }
}

}  // namespace keratin::testing
