#include "tests/io/damage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include <keratin/error.hpp>

#include "tests/support/allocations.hpp"
#include "tests/support/damage.hpp"

namespace keratin::testing {
namespace {

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
  cut_at_every_percent(good, attempt);
  change_bytes(good, attempt);
  CHECK(excess == 0);
  return out;
}

void check_both(const Damage& outcome) {
  CHECK(outcome.refused > 100);  // else nothing was damaged at all
  CHECK(outcome.accepted > 0);
}

}  // namespace keratin::testing
