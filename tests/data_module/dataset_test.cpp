#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>
#include <keratin/random.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using data::Dataset;
using data::DatasetIterator;
using data::Element;
using data::MapContext;
using testing::message_of;
using testing::TempDir;

namespace {

using Ints = std::vector<std::int64_t>;
using Rows = std::vector<Ints>;

/// x of every element of an epoch, scalars.
Ints values(const Dataset& dataset, std::int64_t epoch = 0) {
  Ints out;
  DatasetIterator it = dataset.iterate(epoch);
  while (auto element = it.next()) {
    out.push_back(element->x.tensors()[0].item<std::int64_t>());
  }
  return out;
}

/// x of every element, vectors.
Rows rows(const Dataset& dataset) {
  Rows out;
  for (const Element& element : dataset) {
    out.push_back(element.x.tensors()[0].to_vector<std::int64_t>());
  }
  return out;
}

Tensor twice(const Tensor& x) {
  return Tensor(2 * x.item<std::int64_t>());
}

Ints sorted(Ints list) {
  std::sort(list.begin(), list.end());
  return list;
}

const Ints kTen = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

}  // namespace

TEST_CASE("Rows of arrays, one element, ranges and functions are sources") {
  const Tensor x(Ints{1, 2, 3, 4, 5, 6}, {3, 2});
  const Tensor y(Ints{7, 8, 9});
  const Dataset slices = Dataset::from_tensor_slices(x, y);
  CHECK(slices.cardinality() == 3);
  std::int64_t row = 0;
  for (const Element& element : slices) {
    CHECK(element.x.tensors()[0] == x[row]);
    CHECK(element.y.tensors()[0] == y[row]);
    CHECK(element.sample_weight.empty());
    ++row;
  }
  CHECK(row == 3);
  CHECK(rows(Dataset::from_tensors(x)) == Rows{{1, 2, 3, 4, 5, 6}});
  CHECK(values(Dataset::range(5)) == Ints{0, 1, 2, 3, 4});
  CHECK(values(Dataset::range(2, 9, 3)) == Ints{2, 5, 8});
  CHECK(values(Dataset::range(5, 0, -2)) == Ints{5, 3, 1});
  const Dataset generated = Dataset::from_generator([] {
    return [n = std::int64_t{0}]() mutable -> std::optional<Element> {
      if (n == 3) return std::nullopt;
      return Element{Tensor(n++)};
    };
  });
  CHECK(values(generated) == Ints{0, 1, 2});
  CHECK(values(generated) == Ints{0, 1, 2});  // every pass starts anew
  CHECK(generated.cardinality() == Dataset::kUnknownCardinality);
}

TEST_CASE("Elements have named and typed parts") {
  const Dataset dataset = Dataset::from_tensor_slices(
      {{"image", Tensor(DType::u8, {4, 2, 2})},
       {"age", Tensor(DType::f32, {4})}},
      Tensor(DType::i32, {4}),
      Tensor(DType::f32, {4}));
  const auto specs = dataset.batch(2).element_spec();
  REQUIRE(specs.size() == 4);
  CHECK(specs[0].name == "x/image");
  CHECK(specs[0].dtype == DType::u8);
  CHECK(specs[0].shape == Shape{2, 2, 2});
  CHECK(specs[1].name == "x/age");
  CHECK(specs[2].name == "y");
  CHECK(specs[3].name == "sample_weight");
  CHECK(Dataset::range(0).element_spec().empty());
}

TEST_CASE("map takes elements, inputs, or inputs and targets") {
  const Dataset numbers = Dataset::range(4);
  CHECK(values(numbers.map(twice)) == Ints{0, 2, 4, 6});
  CHECK(values(numbers.map([](const Element& e) {
          return Element{twice(e.x.tensors()[0])};
        })) == Ints{0, 2, 4, 6});
  const Dataset pairs = Dataset::zip({numbers, numbers.map(twice)});
  const Dataset swapped = pairs.map(
      [](const Tensor& x, const Tensor& y) { return std::pair(y, x); });
  CHECK(values(swapped) == Ints{0, 2, 4, 6});
  CHECK(swapped.iterate().next()->y.size() == 1);
  CHECK(
      values(
          numbers.map([](const Tensor&, const MapContext& context) {
            return Tensor(context.number + 10 * context.epoch);
          }),
          3) == Ints{30, 31, 32, 33});
}

TEST_CASE("Order and random draws do not depend on the number of threads") {
  const auto draws = [](std::optional<std::int64_t> threads) {
    return values(
        Dataset::range(200)
            .shuffle(50, {.seed = 5})
            .map(
                [](const Tensor& x, const MapContext& context) {
                  if (x.item<std::int64_t>() % 7 == 0) {
                    std::this_thread::sleep_for(std::chrono::microseconds(50));
                  }
                  return Tensor(
                      x.item<std::int64_t>() * 1000 +
                      static_cast<std::int64_t>(context.seed % 1000));
                },
                {.num_parallel_calls = threads, .seed = 9}),
        2);
  };
  const Ints serial = draws({});
  CHECK(std::set<std::int64_t>(serial.begin(), serial.end()).size() == 200);
  CHECK(draws(1) == serial);
  CHECK(draws(4) == serial);
  CHECK(draws(data::kAutotune) == serial);
}

TEST_CASE("Unordered map gives every element once") {
  const Ints out = values(Dataset::range(300).map(
      [](const Tensor& x) { return x; },
      {.num_parallel_calls = 4, .deterministic = false}));
  Ints all(300);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = static_cast<std::int64_t>(i);
  }
  CHECK(sorted(out) == all);
}

TEST_CASE("Threads are bounded and elements are not made far ahead") {
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> made{0};
  const Dataset dataset = Dataset::range(1000).map(
      [&](const Tensor& x) {
        const int now = ++running;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        --running;
        ++made;
        return x;
      },
      {.num_parallel_calls = 3});
  {
    DatasetIterator it = dataset.iterate();
    for (int i = 0; i < 20; ++i) it.next();
  }
  CHECK(most <= 3);
  CHECK(made <= 20 + 6 + 3);
}

TEST_CASE("What a function throws comes with the element's number") {
  const auto failing = [](std::optional<std::int64_t> threads) {
    return Dataset::range(100).map(
        [](const Tensor& x) {
          if (x.item<int>() == 17) throw InvalidArgument("[who] bad");
          return x;
        },
        {.num_parallel_calls = threads});
  };
  for (const auto threads : {std::optional<std::int64_t>(), {1}, {4}}) {
    Ints before;
    const std::string message = message_of<InvalidArgument>([&] {
      for (const Element& e : failing(threads)) {
        before.push_back(e.x.tensors()[0].item<std::int64_t>());
      }
    });
    CHECK(message == "[dataset map] element 17: [who] bad");
    CHECK(before.size() == 17);
  }
  CHECK(message_of<Error>([] {
          values(Dataset::range(3).filter(
              [](const Tensor&) -> bool { throw std::runtime_error("no"); }));
        }) == "[dataset filter] element 0: no");
}

TEST_CASE("filter, take, skip, shard, repeat and concatenate choose elements") {
  const Dataset ten = Dataset::range(10);
  CHECK(values(ten.filter([](const Tensor& x) {
          return x.item<int>() % 3 == 0;
        })) == Ints{0, 3, 6, 9});
  CHECK(values(ten.take(3)) == Ints{0, 1, 2});
  CHECK(values(ten.take(-1)) == kTen);
  CHECK(values(ten.take(30)) == kTen);
  CHECK(values(ten.skip(7)) == Ints{7, 8, 9});
  CHECK(values(ten.skip(30)).empty());
  CHECK(values(ten.skip(-1)).empty());
  CHECK(values(ten.shard(4, 1)) == Ints{1, 5, 9});
  CHECK(values(ten.take(2).repeat(3)) == Ints{0, 1, 0, 1, 0, 1});
  CHECK(values(ten.take(2).repeat().take(5)) == Ints{0, 1, 0, 1, 0});
  CHECK(values(ten.take(0).repeat()).empty());
  CHECK(values(ten.take(2).concatenate(ten.skip(8))) == Ints{0, 1, 8, 9});
}

TEST_CASE("shuffle is a permutation that changes with epoch and seed") {
  const Dataset shuffled = Dataset::range(100).shuffle(20, {.seed = 1});
  const Ints first = values(shuffled);
  Ints all(100);
  for (std::size_t i = 0; i < 100; ++i) all[i] = static_cast<std::int64_t>(i);
  CHECK(sorted(first) == all);
  CHECK(first != all);
  CHECK(values(shuffled) == first);
  CHECK(values(shuffled, 1) != first);
  CHECK(values(Dataset::range(100).shuffle(20, {.seed = 2})) != first);
  // An element comes at most 20 places early.
  for (std::size_t i = 0; i < first.size(); ++i) {
    CHECK(first[i] < static_cast<std::int64_t>(i) + 20);
  }
  const Dataset fixed = Dataset::range(100).shuffle(
      20, {.seed = 1, .reshuffle_each_iteration = false});
  CHECK(values(fixed, 1) == values(fixed, 0));
  // Every repetition is shuffled anew.
  const Ints twice_over = values(Dataset::range(20).shuffle(20).repeat(2));
  CHECK(
      Ints(twice_over.begin(), twice_over.begin() + 20) !=
      Ints(twice_over.begin() + 20, twice_over.end()));
}

TEST_CASE("shuffle is even: each element is equally often at each place") {
  std::vector<int> counts(5 * 5, 0);
  const Dataset shuffled = Dataset::range(5).shuffle(5, {.seed = 3});
  for (std::int64_t epoch = 0; epoch < 5000; ++epoch) {
    const Ints order = values(shuffled, epoch);
    for (std::size_t place = 0; place < 5; ++place) {
      ++counts[place * 5 + static_cast<std::size_t>(order[place])];
    }
  }
  // 1000 expected; the standard deviation is 28.
  for (const int count : counts) CHECK(std::abs(count - 1000) < 150);
}

TEST_CASE("seeds come from set_random_seed where none is given") {
  const auto order = [] {
    set_random_seed(11);
    return values(Dataset::range(30).shuffle(30));
  };
  CHECK(order() == order());
}

TEST_CASE("batch stacks rows, unbatch takes them apart") {
  const Dataset ten = Dataset::range(10);
  CHECK(rows(ten.batch(4)) == Rows{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}});
  CHECK(
      rows(ten.batch(4, {.drop_remainder = true})) ==
      Rows{{0, 1, 2, 3}, {4, 5, 6, 7}});
  CHECK(values(ten.batch(4).unbatch()) == kTen);
  // Gathered from arrays, through a shuffle.
  const Tensor x(Ints{0, 1, 10, 11, 20, 21, 30, 31}, {4, 2});
  const Tensor text(std::vector<std::string>{"a", "b", "c", "d"});
  const Dataset slices = Dataset::from_tensor_slices(x, text);
  const auto whole = slices.shuffle(4, {.seed = 1}).batch(4).iterate().next();
  REQUIRE(whole);
  const Tensor batch = whole->x.tensors()[0];
  const auto letters = whole->y.tensors()[0].data<std::string>();
  for (std::int64_t i = 0; i < 4; ++i) {
    const std::int64_t row = letters[static_cast<std::size_t>(i)][0] - 'a';
    CHECK(batch[i] == x[row]);
  }
}

TEST_CASE("batch says which element does not fit") {
  const Dataset ragged = Dataset::range(3).map([](const Tensor& x) {
    return Tensor(DType::f32, {x.item<std::int64_t>() + 1});
  });
  CHECK(
      message_of<InvalidArgument>([&] { rows(ragged.batch(3)); }) ==
      "[dataset batch] x: element 1 of a batch has shape [2], the first [1]; "
      "give them one shape, or use padded_batch");
  const Dataset mixed = Dataset::range(3).map([](const Tensor& x) {
    return x.item<int>() == 2 ? x.cast(DType::f32) : x;
  });
  CHECK(message_of<InvalidArgument>([&] {
          rows(mixed.batch(3));
        }) == "[dataset batch] x: element 2 of a batch is f32, the first i64");
}

TEST_CASE("padded_batch pads to the longest, or to a shape") {
  const Dataset ragged = Dataset::range(1, 4).map([](const Tensor& x) {
    return Tensor::full(DType::i64, {x.item<std::int64_t>()}, 7);
  });
  CHECK(rows(ragged.padded_batch(2)) == Rows{{7, 0, 7, 7}, {7, 7, 7}});
  CHECK(
      rows(ragged.padded_batch(
          3,
          {.padded_shapes = {{4}},
           .padding_values = {Tensor(std::int64_t{-1})}})) ==
      Rows{{7, -1, -1, -1, 7, 7, -1, -1, 7, 7, 7, -1}});
  CHECK(
      message_of<InvalidArgument>([&] {
        rows(ragged.padded_batch(3, {.padded_shapes = {{2}}}));
      }) == "[dataset padded_batch] x: expected at most 2 along axis 0, got 3");
  // Two axes, and text.
  const Dataset squares = Dataset::range(1, 3).map([](const Tensor& x) {
    const auto n = x.item<std::int64_t>();
    return Tensor::full(DType::i64, {n, n}, static_cast<double>(n));
  });
  CHECK(rows(squares.padded_batch(2)) == Rows{{1, 0, 0, 0, 2, 2, 2, 2}});
  const Dataset words = Dataset::range(1, 3).map([](const Tensor& x) {
    return Tensor(std::vector<std::string>(x.item<std::size_t>(), "w"));
  });
  const auto batch = words.padded_batch(2).iterate().next();
  CHECK(
      batch->x.tensors()[0] ==
      Tensor(std::vector<std::string>{"w", "", "w", "w"}, {2, 2}));
}

TEST_CASE("interleave takes blocks in turn") {
  // As tf.data's own example: blocks of 4 of the repeated elements.
  const Dataset out = Dataset::range(1, 6).interleave(
      [](const Element& e) { return Dataset::from_tensors(e.x).repeat(6); },
      {.cycle_length = 2, .block_length = 4});
  CHECK(values(out) == Ints{1, 1, 1, 1, 2, 2, 2, 2, 1, 1, 2, 2, 3, 3, 3,
                            3, 4, 4, 4, 4, 3, 3, 4, 4, 5, 5, 5, 5, 5, 5});
}

TEST_CASE("Elements of interleaved datasets outlive their datasets") {
  const Dataset out = Dataset::range(3).interleave([](const Element& e) {
    const auto n = e.x.tensors()[0].item<std::int64_t>();
    return Dataset::from_tensor_slices(Tensor(Ints{10 * n, 10 * n + 1}));
  });
  CHECK(rows(out.batch(4)) == Rows{{0, 10, 20, 1}, {11, 21}});
  CHECK(
      rows(out.repeat(2).batch(4)) ==
      Rows{{0, 10, 20, 1}, {11, 21, 0, 10}, {20, 1, 11, 21}});
}

TEST_CASE("A repetition for ever ends when its source has run dry") {
  auto once = std::make_shared<bool>(false);
  const Dataset dataset = Dataset::from_generator([once] {
    return [once]() -> std::optional<Element> {
      if (std::exchange(*once, true)) return std::nullopt;
      return Element{Tensor(std::int64_t{7})};
    };
  });
  CHECK(values(dataset.repeat()) == Ints{7});
}

TEST_CASE("A pass with an error in it is not kept") {
  int calls = 0;
  const Dataset dataset = Dataset::range(4)
                              .map([&](const Tensor& x) {
                                if (++calls == 2) throw InvalidArgument("no");
                                return x;
                              })
                              .cache();
  DatasetIterator it = dataset.iterate();
  it.next();
  CHECK_THROWS_AS(it.next(), InvalidArgument);
  while (it.next()) {
  }
  CHECK(values(dataset) == Ints{0, 1, 2, 3});
}

TEST_CASE("enumerate counts beside the inputs") {
  const Dataset counted = Dataset::range(5, 8).enumerate(100);
  const auto first = counted.iterate().next();
  CHECK(first->x.names() == std::vector<std::string>{"index", "x"});
  CHECK(first->x.tensors()[0].item<int>() == 100);
  CHECK(first->x.tensors()[1].item<int>() == 5);
  CHECK(values(counted) == Ints{100, 101, 102});
}

TEST_CASE("prefetch gives the same elements") {
  CHECK(values(Dataset::range(10).prefetch(3)) == kTen);
  CHECK(
      values(Dataset::range(10).map(twice).batch(2).unbatch().prefetch(1))
          .size() == 10);
  // Dropped in the middle: no thread stays, nothing hangs.
  DatasetIterator it = Dataset::range(1000).prefetch(4).iterate();
  it.next();
}

TEST_CASE("cache makes elements once") {
  std::atomic<int> made{0};
  const auto counted = Dataset::range(5).map([&](const Tensor& x) {
    ++made;
    return x;
  });
  const Dataset cached = counted.cache();
  CHECK(values(cached.take(2)) == Ints{0, 1});
  CHECK(values(cached).size() == 5);  // the first whole pass
  const int after = made;
  CHECK(values(cached).size() == 5);
  CHECK(made == after);
}

TEST_CASE("A file cache is used again by a later run") {
  const TempDir folder;
  const std::string path = (folder / "cache").string();
  int made = 0;
  const auto make = [&] {
    return Dataset::range(5)
        .map([&](const Tensor& x) {
          ++made;
          return Element{
              {{"a", x},
               {"text", Tensor(std::vector<std::string>{"\xc3\xa4"})}},
              Tensor(DType::f32, {2, 0})};
        })
        .cache(path);
  };
  CHECK(values(make().take(3)).size() == 3);
  CHECK_FALSE(std::filesystem::exists(path));  // not whole
  CHECK(values(make()) == Ints{0, 1, 2, 3, 4});
  made = 0;
  const Dataset again = make();
  CHECK(values(again) == Ints{0, 1, 2, 3, 4});
  CHECK(again.cardinality() == 5);
  CHECK(made == 0);
  const auto element = again.skip(4).iterate().next();
  CHECK(element->x.names() == std::vector<std::string>{"a", "text"});
  CHECK(element->x.tensors()[1].data<std::string>()[0] == "\xc3\xa4");
  CHECK(element->y.tensors()[0].shape() == Shape{2, 0});

  CHECK(message_of<InvalidArgument>([&] {
          values(Dataset::range(6).cache(path));
        }).find("was made by another pipeline") != std::string::npos);
  const std::string whole = testing::read_file(path);
  for (std::size_t size = 0; size < whole.size(); size += 13) {
    testing::write_file(path, whole.substr(0, size));
    CHECK(message_of<InvalidArgument>([&] {
            values(make());
          }).find(path) != std::string::npos);
  }
}

TEST_CASE("Arguments out of range are refused with what was expected") {
  const Dataset ten = Dataset::range(10);
  CHECK(message_of<InvalidArgument>([&] {
          ten.batch(0);
        }) == "[dataset batch] expected batch_size >= 1, got 0");
  CHECK(
      message_of<InvalidArgument>([&] { ten.shard(3, 3); }) ==
      "[dataset shard] expected an index from 0 to num_shards - 1, got 3");
  CHECK(message_of<InvalidArgument>([&] {
          Dataset::range(0, 1, 0);
        }) == "[dataset range] expected step other than 0, got 0");
  CHECK(message_of<InvalidArgument>([&] {
          Dataset::from_tensor_slices(
              Tensor(DType::f32, {3, 2}), Tensor(DType::f32, {4}));
        }) == "[from_tensor_slices] y has 4 rows where x has 3");
  CHECK(
      message_of<InvalidArgument>([&] {
        values(Dataset::from_tensors({Tensor(1), Tensor(2)}).map(twice));
      }) ==
      "[dataset map] element 0: expected one tensor as x, got 2; take the "
      "whole Element");
}

}  // namespace keratin
