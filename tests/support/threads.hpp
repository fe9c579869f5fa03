#pragma once

#include <cstdint>
#include <filesystem>
#include <iterator>
#include <thread>

namespace keratin::testing {

/// The threads of this process.
inline std::int64_t thread_count() {
  // The thread sanitizer's own starts with the first of ours.
  static const bool started = [] {
    std::thread([] {}).join();
    return true;
  }();
  static_cast<void>(started);
  return std::distance(
      std::filesystem::directory_iterator("/proc/self/task"),
      std::filesystem::directory_iterator());
}

/// A team of several threads, for what must not depend on their number. One
/// where the thread sanitizer watches: it does not know libgomp's barriers.
#if defined(__SANITIZE_THREAD__)
inline constexpr int kTeam = 1;
#else
inline constexpr int kTeam = 3;
#endif

}  // namespace keratin::testing
