// Where a pass stands and goes on, and how many elements it has.

#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <string>
#include <vector>

#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>

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

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();

/// x of the elements left, at most `most` of them.
Rows rest_of(DatasetIterator it, std::size_t most = 1000) {
  Rows out;
  while (out.size() < most) {
    const auto element = it.next();
    if (!element) break;
    out.push_back(element->x.tensors()[0].to_vector<std::int64_t>());
  }
  return out;
}

/// Adds digits that depend on the seed of this element.
Tensor marked(const Tensor& x, const MapContext& context) {
  return Tensor(
      x.item<std::int64_t>() * 1000 +
      static_cast<std::int64_t>(context.seed % 1000));
}

/// Stops a pass at every place and resumes it with a dataset that `make` makes
/// anew, whose own seeds are others.
template <class Make>
void check_every_stop(const Make& make, std::int64_t epoch = 0) {
  const Dataset dataset = make();
  const Rows all = rest_of(dataset.iterate(epoch));
  REQUIRE(all.size() > 5);
  DatasetIterator it = dataset.iterate(epoch);
  for (std::size_t stop = 0; stop <= all.size(); ++stop) {
    const Config state = Config::parse(it.state().dump());
    DatasetIterator resumed = make().resume(state);
    CHECK(resumed.position() == static_cast<std::int64_t>(stop));
    const Rows rest = rest_of(std::move(resumed));
    const Rows expected(
        all.begin() + static_cast<std::ptrdiff_t>(stop), all.end());
    CAPTURE(stop);
    REQUIRE(rest == expected);
    it.next();
  }
}

Ints values(const Dataset& dataset) {
  Ints out;
  for (const Element& element : dataset) {
    out.push_back(element.x.tensors()[0].to_vector<std::int64_t>()[0]);
  }
  return out;
}

/// A state with another value at `key`.
Config with(Config state, const std::string& key, Config value) {
  state[key] = std::move(value);
  return state;
}

Config without(Config state, const std::string& key) {
  state.erase(key);
  return state;
}

Dataset tens(const Element& element) {
  const auto at = element.x.tensors()[0].item<std::int64_t>() * 10;
  return Dataset::range(at, at + 6);
}

}  // namespace

TEST_CASE("An iterator's state goes on where it stood, seeds included") {
  std::atomic<int> made = 0;
  const auto make = [&] {
    return Dataset::range(60)
        .shuffle(25)
        .map(
            [&](const Tensor& x, const MapContext& context) {
              ++made;
              return Tensor(
                  x.item<std::int64_t>() * 100 +
                  static_cast<std::int64_t>(context.seed % 100));
            },
            {.num_parallel_calls = 2})
        .batch(4)
        .prefetch(2);
  };
  const Dataset first = make();
  DatasetIterator it = first.iterate(7);
  for (int i = 0; i < 5; ++i) it.next();
  const Config state = Config::parse(it.state().dump());
  const Rows rest = rest_of(std::move(it));
  CHECK(rest.size() == 10);
  const Dataset second = make();  // other seeds
  made = 0;
  DatasetIterator resumed = second.resume(state);
  CHECK(resumed.position() == 5);
  CHECK(rest_of(std::move(resumed)) == rest);
  CHECK(made == 40);  // what was given before is not made again
  CHECK(
      message_of<InvalidArgument>([&] { Dataset::range(3).resume(state); }) ==
      "[dataset resume] expected the state of an equal pipeline, got "
      "another's");
}

TEST_CASE("A pass goes on exactly from every place, whatever is nested") {
  const auto make = [] {
    return Dataset::range(5)
        .shuffle(5)
        .interleave(
            [](const Element& outer) {
              return tens(outer).shuffle(4).map(marked).batch(2).interleave(
                  [](const Element& pair) {
                    return Dataset::from_tensor_slices(pair.x)
                        .shuffle(2)
                        .repeat(2);
                  },
                  {.cycle_length = 2});
            },
            {.cycle_length = 3, .block_length = 2})
        .map(marked, {.num_parallel_calls = 2})
        .batch(7)
        .repeat(2)
        .prefetch(2);
  };
  check_every_stop(make);
  check_every_stop(make, 3);
}

TEST_CASE("Datasets that functions make, or share, go on with their seeds") {
  SUBCASE("one that interleave takes again and again") {
    check_every_stop([] {
      const Dataset shared = Dataset::range(6).shuffle(6);
      return Dataset::range(3).interleave(
          [shared](const Element&) { return shared; }, {.cycle_length = 2});
    });
  }
  SUBCASE("made by a function given to map") {
    check_every_stop([] {
      return Dataset::range(8).map([](const Tensor& x) {
        const Dataset many = Dataset::range(1000).shuffle(1000);
        return Tensor(Ints{x.item<std::int64_t>(), values(many)[0]});
      });
    });
  }
  SUBCASE("made by a generator") {
    check_every_stop([] {
      return Dataset::from_generator([] {
        auto it = std::make_shared<DatasetIterator>(
            Dataset::range(12).shuffle(12).iterate());
        return [it] { return it->next(); };
      });
    });
  }
  SUBCASE("kept by a cache in an earlier epoch") {
    const auto make = [] { return Dataset::range(9).shuffle(9).cache(); };
    const Dataset first = make();
    const Rows kept = rest_of(first.iterate(0));
    DatasetIterator it = first.iterate(1);
    it.next();
    CHECK(
        rest_of(make().resume(it.state())) ==
        Rows(kept.begin() + 1, kept.end()));
  }
}

TEST_CASE("A seed that was given stays, also inside interleave") {
  const auto seeded = [](std::uint64_t outer) {
    return values(Dataset::range(2)
                      .shuffle(1, {.seed = outer})
                      .interleave(
                          [](const Element& e) {
                            return tens(e).shuffle(6, {.seed = 5});
                          },
                          {.cycle_length = 1}));
  };
  CHECK(seeded(1) == seeded(2));
}

TEST_CASE("An impossible state is refused by name") {
  const Dataset ten = Dataset::range(10).shuffle(4).batch(3);
  const Config good = ten.iterate().state();
  const auto refused = [&](const char* key, Config value) {
    return message_of<InvalidArgument>(
        [&] { ten.resume(with(good, key, std::move(value))); });
  };
  const std::string from = "; give it what DatasetIterator::state returned";
  CHECK(
      refused("position", -1) ==
      "[dataset resume] expected position as an integer >= 0, got -1" + from);
  CHECK(
      refused("position", "3") ==
      "[dataset resume] expected position as an integer >= 0, got \"3\"" +
          from);
  CHECK(
      refused("epoch", -2) ==
      "[dataset resume] expected epoch as an integer >= 0, got -2" + from);
  CHECK(
      refused("epoch", 1.5) ==
      "[dataset resume] expected epoch as an integer >= 0, got 1.5" + from);
  CHECK(
      refused("position", 5) ==
      "[dataset resume] expected a position from 0 to 4, the number of "
      "elements of this pipeline, got 5; build it of the data that the state "
      "was made with");
  CHECK(
      refused("seeds", Config(Config::Array{})) ==
      "[dataset resume] expected seeds as an array of 1 texts, got []");
  CHECK(
      refused("seeds", Config(Config::Array{Config(3)})) ==
      "[dataset resume] expected a whole number below 2^64 as text in "
      "seeds[0], got 3");
  CHECK(
      refused("seeds", Config(Config::Array{Config("18446744073709551616")}))
          .find("seeds[0]") != std::string::npos);
  for (const char* key : {"pipeline", "epoch", "position", "seeds"}) {
    CHECK(
        message_of<InvalidArgument>([&] { ten.resume(without(good, key)); }) ==
        "[dataset resume] expected an object with pipeline, epoch, position "
        "and seeds, got one without " +
            std::string(key) + from);
  }
  CHECK(message_of<InvalidArgument>([&] {
          ten.resume(Config("x"));
        }).find("expected an object") != std::string::npos);
  const Config padded = ten.unbatch().padded_batch(3).iterate().state();
  CHECK(message_of<InvalidArgument>([&] {
          ten.unbatch().batch(3).resume(padded);
        }).find("another's") != std::string::npos);
  CHECK(rest_of(ten.resume(good)).size() == 4);  // usable as before
  CHECK(rest_of(ten.resume(ten.iterate().state())).size() == 4);
}

TEST_CASE("A position beyond an unknown end is refused; nothing is kept") {
  int made = 0;
  const auto make = [&] {
    return Dataset::range(4)
        .filter([](const Tensor&) { return true; })
        .map([&](const Tensor& x) {
          ++made;
          return x;
        });
  };
  const Dataset four = make();
  const Config beyond = with(four.iterate().state(), "position", 5);
  CHECK(message_of<InvalidArgument>([&] {
          four.resume(beyond);
        }).find("expected a position from 0 to 4") != std::string::npos);
  CHECK(values(four) == Ints{0, 1, 2, 3});
  // A known end is found before a cache begins to fill.
  const Dataset cached = Dataset::range(4)
                             .map([&](const Tensor& x) {
                               ++made;
                               return x;
                             })
                             .cache();
  const Config far = with(cached.iterate().state(), "position", 5);
  made = 0;
  CHECK_THROWS_AS(cached.resume(far), InvalidArgument);
  CHECK(made == 0);
}

TEST_CASE("A far position of a repetition is found without going there") {
  const Dataset forever = Dataset::range(10).shuffle(10, {.seed = 1}).repeat();
  const Config far = with(
      forever.iterate().state(),
      "position",
      std::int64_t{4'000'000'000'000'000'003});
  DatasetIterator it = forever.resume(far);
  CHECK(it.position() == 4'000'000'000'000'000'003);
  CHECK(rest_of(std::move(it), 7).size() == 7);
  const Dataset twice = Dataset::range(10).repeat(2);
  const Config middle = with(twice.iterate().state(), "position", 13);
  CHECK(
      rest_of(twice.resume(middle)) == Rows{{3}, {4}, {5}, {6}, {7}, {8}, {9}});
}

TEST_CASE("cardinality counts without making elements") {
  const Dataset ten = Dataset::range(10);
  CHECK(ten.batch(3).cardinality() == 4);
  CHECK(ten.batch(3, {.drop_remainder = true}).cardinality() == 3);
  CHECK(ten.repeat().cardinality() == Dataset::kInfinite);
  CHECK(ten.repeat().take(7).cardinality() == 7);
  CHECK(ten.repeat(3).skip(5).cardinality() == 25);
  CHECK(ten.shard(3, 0).cardinality() == 4);
  CHECK(ten.shard(3, 2).cardinality() == 3);
  CHECK(Dataset::zip({ten, ten.repeat()}).cardinality() == 10);
  CHECK(
      ten.filter([](const Tensor&) { return true; }).cardinality() ==
      Dataset::kUnknownCardinality);
  CHECK(ten.concatenate(ten).cardinality() == 20);
}

TEST_CASE("Counts that are too large for a number stay the largest") {
  const Dataset many = Dataset::range(std::int64_t{1} << 62);
  // tensorflow's wrap around, to 0 and to a negative number.
  CHECK(many.repeat(4).cardinality() == kMost);
  CHECK(many.repeat(3).cardinality() == kMost);
  CHECK(many.repeat(3).batch(2).repeat(5).cardinality() == kMost);
  CHECK(many.repeat(kMost).repeat(kMost).cardinality() == kMost);
  CHECK(Dataset::range(kLeast, kMost).cardinality() == kMost);
  CHECK(Dataset::range(kMost, kLeast, -1).cardinality() == kMost);
  CHECK(
      Dataset::range(kMost).concatenate(Dataset::range(kMost)).cardinality() ==
      kMost);
  CHECK(Dataset::range(10).batch(kMost).cardinality() == 1);
  CHECK(Dataset::range(kMost).batch(3).cardinality() == kMost / 3 + 1);
  CHECK(Dataset::range(10).shard(kMost, 3).cardinality() == 1);
  CHECK(Dataset::range(10).shard(kMost, 30).cardinality() == 0);
  CHECK(Dataset::range(10).enumerate(kMost - 3).cardinality() == 3);
  CHECK(Dataset::range(10).repeat().enumerate(7).cardinality() == kMost - 7);
}

TEST_CASE("Cardinalities without a number are tensorflow's") {
  const Dataset forever = Dataset::range(10).repeat();
  const Dataset unknown =
      Dataset::range(3).filter([](const Tensor&) { return true; });
  CHECK(forever.batch(3).cardinality() == Dataset::kInfinite);
  CHECK(forever.skip(5).cardinality() == Dataset::kInfinite);
  CHECK(forever.batch(2).unbatch().cardinality() == Dataset::kInfinite);
  CHECK(forever.concatenate(unknown).cardinality() == Dataset::kInfinite);
  CHECK(
      Dataset::zip({forever, unknown}).cardinality() ==
      Dataset::kUnknownCardinality);
  CHECK(forever.interleave(tens).cardinality() == Dataset::kUnknownCardinality);
  CHECK(unknown.take(5).cardinality() == Dataset::kUnknownCardinality);
  CHECK(unknown.repeat().cardinality() == Dataset::kInfinite);
  CHECK(Dataset::range(0).repeat().cardinality() == 0);
}

TEST_CASE("Elements at the ends of the numbers are right") {
  const std::int64_t quarter = std::int64_t{1} << 62;
  CHECK(
      values(Dataset::range(kLeast, kMost, quarter)) ==
      Ints{kLeast, -quarter, 0, quarter});
  CHECK(values(Dataset::range(kMost, kLeast, kLeast)) == Ints{kMost, -1});
  CHECK(values(Dataset::range(10).enumerate(kMost - 3)).size() == 3);
  CHECK(values(Dataset::range(10).batch(kMost).unbatch()).size() == 10);
  CHECK(
      values(Dataset::range(2).interleave(tens, {.cycle_length = kMost})) ==
      Ints{0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15});
  // Repetitions inside repetitions each have an epoch, however many there are.
  const auto order = [](std::int64_t epoch) {
    return rest_of(
        Dataset::range(50)
            .shuffle(50, {.seed = 1})
            .repeat()
            .take(50)
            .repeat(kMost)
            .take(50)
            .repeat()
            .batch(50)
            .iterate(epoch),
        2);
  };
  const Rows two = order(0);
  CHECK(two[0] != two[1]);
  CHECK(order(kMost)[0] != order(kMost)[1]);
}

}  // namespace keratin
