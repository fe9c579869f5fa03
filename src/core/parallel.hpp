#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

namespace keratin {

namespace detail {

using ParallelBody = void (*)(void* body, std::int64_t begin, std::int64_t end);

void parallel_run(
    std::int64_t n, std::int64_t grain, ParallelBody body, void* context);

}  // namespace detail

/// Calls body(begin, end) over disjoint pieces that cover [0, n), on the one
/// OpenMP team that oneDNN uses too. A piece has at least `grain` elements
/// (the last may have fewer); with n <= grain, inside a parallel_for or under a
/// SerialScope all of it runs on the calling thread. How the range is cut
/// depends on n, grain and num_threads() alone. Denormals are zero in the body.
/// The first exception a body throws is thrown again here. Allocates nothing.
template <class Body>
void parallel_for(std::int64_t n, std::int64_t grain, const Body& body) {
  detail::parallel_run(
      n,
      grain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<const Body*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

/// Denormals are zero, in and out, on the calling thread for the time of a
/// scope: they are up to two hundred times slower than normal numbers.
class ScopedFlushToZero {
 public:
  ScopedFlushToZero();
  ~ScopedFlushToZero();
  ScopedFlushToZero(const ScopedFlushToZero&) = delete;
  ScopedFlushToZero& operator=(const ScopedFlushToZero&) = delete;

 private:
  std::uint64_t before_;
};

/// What a thread needs before it calls oneDNN: flush-to-zero for itself, and
/// its OpenMP team of num_threads() threads (itself alone under a SerialScope)
/// with flush-to-zero on all of them. Cheap when the team is as it was.
class ComputeScope {
 public:
  ComputeScope();

 private:
  ScopedFlushToZero flush_;
};

/// Data threads never enter OpenMP: under this, parallel_for stays on the
/// calling thread.
class SerialScope {
 public:
  SerialScope();
  ~SerialScope();
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  bool before_;
};

}  // namespace keratin
