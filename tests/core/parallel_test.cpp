#include "src/core/parallel.hpp"

#include <doctest/doctest.h>
#include <omp.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/threads.hpp>

#include "tests/support/skip.hpp"

// libgomp is not instrumented: the thread sanitizer sees races in every team.
#if defined(__SANITIZE_THREAD__)
#define SKIP_WHERE_TEAMS_LOOK_RACY() \
  KERATIN_SKIP("libgomp is not instrumented for the thread sanitizer")
#else
#define SKIP_WHERE_TEAMS_LOOK_RACY() (void)0
#endif

namespace keratin {

namespace {

// Restores the thread count of the process.
struct ThreadCount {
  int before = num_threads();

  explicit ThreadCount(int count) { set_num_threads(count); }

  ~ThreadCount() { set_num_threads(before); }
};

bool flushes_denormals() {
  volatile float tiny = std::numeric_limits<float>::min();
  volatile float half = tiny * 0.5F;
  return half == 0.0F;
}

}  // namespace

TEST_CASE("parallel_for covers every index once for any count and grain") {
  SKIP_WHERE_TEAMS_LOOK_RACY();
  for (const int threads : {1, 2, 3, 5}) {
    const ThreadCount count(threads);
    for (const std::int64_t n : {0, 1, 2, 7, 64, 1000}) {
      for (const std::int64_t grain : {1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> hits(static_cast<std::size_t>(n));
        std::atomic<int> short_pieces = 0;
        parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
          if (end - begin < grain) ++short_pieces;
          for (std::int64_t i = begin; i < end; ++i) {
            ++hits[static_cast<std::size_t>(i)];
          }
        });
        for (const auto& hit : hits) REQUIRE(hit == 1);
        REQUIRE(short_pieces <= 1);
      }
    }
  }
}

TEST_CASE("parallel_for uses the threads it is given") {
  SKIP_WHERE_TEAMS_LOOK_RACY();
  const ThreadCount count(4);
  std::mutex mutex;
  std::set<std::thread::id> ids;
  parallel_for(4, 1, [&](std::int64_t, std::int64_t) {
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  CHECK(ids.size() == 4);
}

TEST_CASE("nested, serial and small loops stay on the calling thread") {
  SKIP_WHERE_TEAMS_LOOK_RACY();
  const ThreadCount count(4);
  const auto self = std::this_thread::get_id();
  const auto same = [&](std::int64_t begin, std::int64_t end) {
    CHECK(begin == 0);
    CHECK(end == 8);
    CHECK(std::this_thread::get_id() == self);
  };
  parallel_for(8, 8, same);
  {
    const SerialScope serial;
    parallel_for(8, 1, same);
  }
  std::atomic<int> inner_pieces = 0;
  parallel_for(4, 1, [&](std::int64_t, std::int64_t) {
    parallel_for(8, 1, [&](std::int64_t, std::int64_t) { ++inner_pieces; });
  });
  CHECK(inner_pieces == 4);
}

TEST_CASE("denormals are zero on every thread inside, and only there") {
  SKIP_WHERE_TEAMS_LOOK_RACY();
  for (const int threads : {1, 4}) {
    const ThreadCount count(threads);
    CHECK_FALSE(flushes_denormals());
    std::atomic<int> flushing = 0;
    parallel_for(threads, 1, [&](std::int64_t, std::int64_t) {
      if (flushes_denormals()) ++flushing;
    });
    CHECK(flushing == threads);
    CHECK_FALSE(flushes_denormals());
  }
}

TEST_CASE("a compute scope prepares the team that OpenMP code gets") {
  SKIP_WHERE_TEAMS_LOOK_RACY();
  for (const int threads : {3, 2, 4}) {
    const ThreadCount count(threads);
    const ComputeScope scope;
    CHECK(omp_get_max_threads() == threads);
    int flushing = 0;
#pragma omp parallel reduction(+ : flushing)
    flushing += flushes_denormals() ? 1 : 0;
    CHECK(flushing == threads);
  }
  CHECK_FALSE(flushes_denormals());
}

TEST_CASE("an exception in a body comes out of parallel_for") {
  SKIP_WHERE_TEAMS_LOOK_RACY();
  const ThreadCount count(3);
  CHECK_THROWS_AS(
      parallel_for(
          3,
          1,
          [](std::int64_t begin, std::int64_t) {
            if (begin == 1) throw std::out_of_range("one");
          }),
      std::out_of_range);
}

TEST_CASE("the thread count must be at least one") {
  const int before = num_threads();
  CHECK(before >= 1);
  CHECK_THROWS_AS(set_num_threads(0), InvalidArgument);
  CHECK_THROWS_AS(set_num_threads(-2), InvalidArgument);
  CHECK(num_threads() == before);
}

}  // namespace keratin
