#include "src/core/parallel.hpp"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include <keratin/threads.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace keratin {

namespace {

#if defined(__x86_64__)
// MXCSR's flush-to-zero (results) and denormals-are-zero (operands).
constexpr std::uint64_t kFlushBits = 0x8040;

std::uint64_t float_control() {
  return _mm_getcsr();
}

void set_float_control(std::uint64_t value) {
  _mm_setcsr(static_cast<unsigned>(value));
}
#elif defined(__aarch64__)
constexpr std::uint64_t kFlushBits = 1ULL << 24;  // FPCR.FZ

std::uint64_t float_control() {
  std::uint64_t value = 0;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}

void set_float_control(std::uint64_t value) {
  asm volatile("msr fpcr, %0" : : "r"(value));
}
#else
constexpr std::uint64_t kFlushBits = 0;

std::uint64_t float_control() {
  return 0;
}

void set_float_control(std::uint64_t) {}
#endif

thread_local bool serial = false;
thread_local int team_size = 0;  // of this thread's team, once prepared

void prepare_team(int threads) {
  if (team_size == threads) return;
  // The count and the pool behind it belong to the calling thread.
  omp_set_num_threads(threads);
#pragma omp parallel num_threads(threads)
  set_float_control(float_control() | kFlushBits);
  team_size = threads;
}

}  // namespace

ScopedFlushToZero::ScopedFlushToZero() : before_(float_control()) {
  set_float_control(before_ | kFlushBits);
}

ScopedFlushToZero::~ScopedFlushToZero() {
  set_float_control(before_);
}

ComputeScope::ComputeScope() {
  prepare_team(serial ? 1 : num_threads());
}

SerialScope::SerialScope() : before_(serial) {
  serial = true;
}

SerialScope::~SerialScope() {
  serial = before_;
}

void detail::parallel_run(
    std::int64_t n, std::int64_t grain, ParallelBody body, void* context) {
  if (n <= 0) return;
  const ScopedFlushToZero flush;
  grain = std::max<std::int64_t>(grain, 1);
  const std::int64_t most = n / grain + (n % grain != 0 ? 1 : 0);
  const int team = num_threads();
  const std::int64_t pieces = std::min<std::int64_t>(team, most);
  if (pieces <= 1 || serial || omp_in_parallel() != 0) {
    body(context, 0, n);
    return;
  }
  // Whole grains, spread evenly: the first `extra` pieces have one more.
  const std::int64_t each = most / pieces;
  const std::int64_t extra = most % pieces;
  prepare_team(team);
  std::exception_ptr error;
  std::atomic_flag failed = ATOMIC_FLAG_INIT;
  // Always the whole team: libgomp ends the threads that a smaller one leaves
  // over, and starting them again costs more than letting them idle.
#pragma omp parallel for num_threads(team) schedule(static)
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    const ScopedFlushToZero worker_flush;
    const std::int64_t first = piece * each + std::min(piece, extra);
    const std::int64_t last = first + each + (piece < extra ? 1 : 0);
    try {
      body(context, first * grain, std::min(n, last * grain));
    } catch (...) {
      // An exception that leaves an OpenMP region ends the program.
      if (!failed.test_and_set()) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace keratin
