// Pipelines that are left in the middle, and what a profile says.

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include <keratin/data/dataset.hpp>
#include <keratin/data/profile.hpp>

#include "tests/support/threads.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using data::Dataset;
using data::DatasetIterator;
using data::Element;
using testing::message_of;

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// Seconds that f takes.
template <class F>
double seconds(F&& f) {
  const auto start = steady_clock::now();
  f();
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

Tensor slow(const Tensor& x) {
  std::this_thread::sleep_for(milliseconds(20));
  return x;
}

/// Takes an element and leaves; how long leaving takes, in seconds.
double leave(const Dataset& dataset) {
  auto pass = std::make_unique<DatasetIterator>(dataset.iterate());
  REQUIRE(pass->next());
  std::this_thread::sleep_for(milliseconds(50));  // threads are at work
  return seconds([&] { pass.reset(); });
}

}  // namespace

TEST_CASE("A pass that is left ends at once, in the middle of a batch") {
  const auto before = testing::thread_count();
  const Dataset batches =
      Dataset::range(1'000'000).map(slow).batch(100).prefetch(2);
  // The first batch takes 2 s, and so will the second.
  CHECK(leave(batches) < 0.5);
  CHECK(testing::thread_count() == before);
}

TEST_CASE("A pass that is left ends though no element would ever come") {
  const auto before = testing::thread_count();
  const auto small = [](const Tensor& x) { return x.item<int>() < 3; };
  const Dataset numbers = Dataset::range(100).repeat();
  const Dataset never = numbers.take(10).concatenate(
      numbers.skip(10).filter([](const Tensor&) { return false; }));
  for (const Dataset& dataset :
       {never.filter(small).prefetch(1),
        never.map(slow, {.num_parallel_calls = 3}).filter(small).prefetch(2),
        never.filter(small).batch(2).prefetch(4),
        never.shuffle(1000).prefetch(1).take(0).concatenate(
            never.filter(small).map(slow, {.num_parallel_calls = 2})),
        Dataset::range(4)
            .interleave(
                [&](const Element&) { return never.filter(small).prefetch(1); })
            .prefetch(1)}) {
    CHECK(leave(dataset) < 1);
    CHECK(testing::thread_count() == before);
  }
}

TEST_CASE("An error in the middle leaves no thread") {
  const auto before = testing::thread_count();
  const Dataset dataset = Dataset::range(1000)
                              .map(
                                  [](const Tensor& x) {
                                    if (x.item<int>() == 37)
                                      throw std::runtime_error("no");
                                    return x;
                                  },
                                  {.num_parallel_calls = 4})
                              .batch(10)
                              .prefetch(2);
  CHECK(message_of<std::exception>([&] {
          for (const Element& element : dataset) (void)element;
        }) == "[dataset map] element 37: no");
  CHECK(testing::thread_count() == before);
}

TEST_CASE("A profile says which stage takes the time") {
  const Dataset dataset = Dataset::range(20)
                              .map([](const Tensor& x) { return x; })
                              .shuffle(8)
                              .map(slow, {.num_parallel_calls = 2})
                              .batch(4)
                              .prefetch(1);
  int seen = 0;
  const data::DatasetProfile all =
      data::profile(dataset, -1, [&](const Element&) { ++seen; });
  CHECK(seen == 5);
  CHECK(all.elements == 5);
  REQUIRE(all.stages.size() == 6);
  CHECK(all.stages[0].stage == "range(0, 20, 1)");
  CHECK(all.stages[2].stage == "shuffle(8, true)");
  CHECK(all.stages[3].stage == "map on 2 threads");
  CHECK(all.stages[0].elements == 20);
  CHECK(all.stages[3].elements == 20);
  CHECK(all.stages[4].elements == 5);
  CHECK(all.stages[3].work_seconds >= 0.4);
  CHECK(all.stages[3].work_seconds < 2);
  CHECK(all.stages[3].wait_seconds > 0.1);
  for (const std::size_t other : {0, 1, 2, 4, 5}) {
    CHECK(all.stages[other].work_seconds < 0.1);
  }
  CHECK(all.seconds >= 0.2);

  const data::DatasetProfile some = data::profile(dataset, 2);
  CHECK(some.elements == 2);
}

}  // namespace keratin
