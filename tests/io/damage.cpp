#include "tests/io/damage.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <random>

#include <keratin/error.hpp>

#include "tests/support/allocations.hpp"

namespace keratin::testing {
namespace {

constexpr int kFlips = 2000;
constexpr double kMaxSeconds = 20;  // on a busy machine

}  // namespace

Damage damage(
    const std::string& good,
    const std::function<void(const std::string&)>& read,
    const std::function<std::uint64_t(std::uint64_t)>& limit) {
  Damage out;
  std::uint64_t excess = 0;  // of the worst file
  const auto attempt = [&](const std::string& bytes) {
    const auto start = std::chrono::steady_clock::now();
    const AllocationPeak peak;
    std::string what;
    try {
      read(bytes);
      ++out.accepted;
    } catch (const InvalidArgument& error) {
      ++out.refused;
      what = error.what();
    }
    const std::uint64_t allowed = limit(bytes.size());
    if (peak.bytes() > allowed) {
      excess = std::max(excess, peak.bytes() - allowed);
    }
    CHECK(what.find('\n') == std::string::npos);
    CHECK(what.size() < 1000);
    const std::chrono::duration<double> elapsed =
        std::chrono::steady_clock::now() - start;
    CHECK(elapsed.count() < kMaxSeconds);
  };
  for (std::size_t percent = 0; percent < 100; ++percent) {
    attempt(good.substr(0, good.size() * percent / 100));
  }
  std::mt19937_64 random(20260101);
  for (int i = 0; i < kFlips; ++i) {
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
  CHECK(excess == 0);
  return out;
}

void check_both(const Damage& outcome) {
  CHECK(outcome.refused > 100);  // else nothing was damaged at all
  CHECK(outcome.accepted > 0);
}

}  // namespace keratin::testing
