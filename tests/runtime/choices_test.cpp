#include "src/runtime/choices.hpp"

#include <doctest/doctest.h>

#include <string>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;
using keratin::testing::message_of;

TEST_CASE("A choice holds for its place, work and size") {
  Choices choices;
  CHECK(choices.empty());
  choices.set({"here", "conv", 32}, "blocked");
  CHECK(choices.find({"here", "conv", 32}) == "blocked");
  CHECK_FALSE(choices.find({"here", "conv", 31}).has_value());
  CHECK_FALSE(choices.find({"here", "matmul", 32}).has_value());
  CHECK_FALSE(choices.find({"there", "conv", 32}, true).has_value());
  // The first one stays.
  choices.set({"here", "conv", 32}, "plain");
  CHECK(choices.find({"here", "conv", 32}) == "blocked");
}

TEST_CASE("Any size means the nearest larger one, or the largest") {
  Choices choices;
  choices.set({"here", "conv", 32}, "a");
  choices.set({"here", "conv", 128}, "b");
  CHECK(choices.find({"here", "conv", 7}, true) == "a");
  CHECK(choices.find({"here", "conv", 33}, true) == "b");
  CHECK(choices.find({"here", "conv", 500}, true) == "b");
}

TEST_CASE("Ever new sizes are not kept for ever") {
  Choices choices;
  for (std::int64_t size = 1; size <= 1000; ++size) {
    choices.set({"here", "conv", size}, "a");
  }
  CHECK(choices.find({"here", "conv", 1000}) == "a");  // the nearest's
  const Config kept = choices.to_config().at("here").at("conv");
  CHECK(kept.size() == Choices::kSizes);
}

TEST_CASE("Choices survive being written and read") {
  Choices choices;
  choices.set({"cpu: a, 2 threads", "conv \"x\"", 32}, "blocked");
  choices.set({"cpu: a, 2 threads", "conv \"x\"", 5}, "plain");
  choices.set({"cpu: b", "matmul", 32}, "packed b");
  Choices read;
  read.add(Config::parse(choices.to_config().dump()), "m.keras");
  CHECK(read.to_config() == choices.to_config());
  CHECK(read.find({"cpu: a, 2 threads", "conv \"x\"", 5}) == "plain");
}

TEST_CASE("What is no list of choices is refused with its place") {
  const auto refused = [](const char* text) {
    Choices choices;
    const std::string message = message_of<InvalidArgument>(
        [&] { choices.add(Config::parse(text), "m.keras"); });
    CHECK(choices.empty());
    return message;
  };
  CHECK(refused("[1]") == "[m.keras] expected an object, got array");
  CHECK(
      refused(R"({"cpu": 3})") ==
      "[m.keras[\"cpu\"]] expected an object, got int");
  CHECK(
      refused(R"({"cpu": {"conv": {"32": "a", "x": "b"}}})") ==
      "[m.keras[\"cpu\"][\"conv\"]] expected sizes as keys, got \"x\"");
  CHECK(
      refused(R"({"cpu": {"conv": {"32": 7}}})") ==
      "[m.keras[\"cpu\"][\"conv\"]] expected a name, got int");
}
