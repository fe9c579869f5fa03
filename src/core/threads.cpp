#include <atomic>

#include <keratin/error.hpp>
#include <keratin/threads.hpp>

#include "src/core/cpu_features.hpp"
#include "src/core/env.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

std::atomic<int> thread_count = 0;  // 0: not asked for yet

}  // namespace

void set_num_threads(int count) {
  if (count < 1) {
    throw InvalidArgument(keratin::format(
        "[set_num_threads] expected a count >= 1, got {}", count));
  }
  thread_count = count;
}

int num_threads() {
  const int count = thread_count.load(std::memory_order_relaxed);
  if (count > 0) return count;
  int unset = 0;
  const auto asked = env::num_threads();
  thread_count.compare_exchange_strong(
      unset, asked ? *asked : physical_cores());
  return thread_count;
}

}  // namespace keratin
