#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include <keratin/config.hpp>
#include <keratin/error.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;

TEST_CASE("Config prints and reads the JSON that Python prints") {
  const Config cases = Config::parse(
      testing::read_file(testing::fixture("core/python_json.json")));
  REQUIRE(cases.size() > 20);
  for (const Config& entry : cases.as_array()) {
    const std::string& line = entry.at("line").as_string();
    CAPTURE(line);
    CHECK(Config::parse(line).dump() == line);
    CHECK(Config::parse(line).dump(2) == entry.at("indented").as_string());
    CHECK(Config::parse(entry.at("indented").as_string()).dump() == line);
    CHECK(Config::parse(entry.at("utf8").as_string()).dump() == line);
  }
}

TEST_CASE("Config keeps whole numbers and floats apart") {
  const Config list = Config::parse("[1, 1.0, 1e2]");
  CHECK(list.as_array()[0].is_int());
  CHECK_FALSE(list.as_array()[1].is_int());
  CHECK(list.as_array()[1].is_number());
  CHECK(list.dump() == "[1, 1.0, 100.0]");
  CHECK(Config(1) != Config(1.0));
  CHECK(Config(3.0).as_int() == 3);
  CHECK(Config(3).as_number() == 3.0);
}

TEST_CASE("Config keeps the order of keys and the last of equal ones") {
  CHECK(
      Config::parse(R"({"z": 1, "a": 2, "z": 3})").dump() ==
      R"({"z": 3, "a": 2})");
}

TEST_CASE("Config reads NaN and Infinity but not inside words or strings") {
  const Config list = Config::parse(R"([NaN, "NaN", -Infinity, Infinity, 7])");
  CHECK(std::isnan(list.as_array()[0].as_number()));
  CHECK(list.as_array()[1].as_string() == "NaN");
  CHECK(
      list.as_array()[2].as_number() ==
      -std::numeric_limits<double>::infinity());
  CHECK(list.as_array()[4].as_int() == 7);
  CHECK_THROWS_AS(Config::parse("[NaNa]"), InvalidArgument);
  CHECK_THROWS_AS(Config::parse("[-NaN]"), InvalidArgument);
  CHECK_THROWS_AS(Config::parse("[xNaN]"), InvalidArgument);
}

TEST_CASE("a syntax error names the source, the line and the column") {
  const std::string what = message_of<InvalidArgument>(
      [] { Config::parse("{\n  \"a\": 1,\n  \"b\" 2\n}", "m.json"); });
  CHECK(what.find("[m.json] line 3, column 7") != std::string::npos);
  for (const char* bad :
       {"",
        "{",
        "[1,]",
        "{\"a\":}",
        "nul",
        "1 2",
        "\"open",
        "[1e999]",
        "{1: 2}",
        "\"\xff\"",
        "'x'",
        "[-]"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Config::parse(bad), InvalidArgument);
  }
}

TEST_CASE("nesting is bounded to 512 levels") {
  const std::string ok = std::string(512, '[') + std::string(512, ']');
  CHECK(Config::parse(ok).dump() == ok);
  CHECK_THROWS_AS(Config::parse("[" + ok + "]"), InvalidArgument);
  CHECK_THROWS_AS(Config::parse(std::string(1'000'000, '[')), InvalidArgument);
}

TEST_CASE("values that take far more memory than their text are refused") {
  const auto list = [](std::string_view item, int count) {
    std::string text = "[";
    for (int i = 0; i < count; ++i) text += std::string(item) + ",";
    return text + "0]";
  };
  CHECK(Config::parse(list("1", 30'000)).size() == 30'001);
  CHECK(Config::parse(list("\"word\"", 300'000)).size() == 300'001);
  for (const char* item : {"1", "{}", "[]", "\"\""}) {
    CAPTURE(item);
    CHECK(
        message_of<InvalidArgument>([&] {
          Config::parse(list(item, 1'000'000), "c");
        }).find("expected values that take at most 10 times their text's") !=
        std::string::npos);
  }
}

TEST_CASE("of equal keys the last one wins, however many there are") {
  CHECK(
      Config::parse(R"({"a": 1, "b": 2, "a": 3, "c": 4, "b": 5})").dump() ==
      R"({"a": 3, "b": 5, "c": 4})");
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) {
    text += '"' + std::to_string(i) + "\": 12345678,";
  }
  const auto start = std::chrono::steady_clock::now();
  CHECK(Config::parse(text + "\"0\": 1}").size() == 200'000);
  const std::chrono::duration<double> elapsed =
      std::chrono::steady_clock::now() - start;
  CHECK(elapsed.count() < 10);
}

TEST_CASE("whole numbers beyond 64 bits are refused, not rounded") {
  CHECK_THROWS_AS(Config::parse("9223372036854775808"), InvalidArgument);
  CHECK_THROWS_AS(Config::parse("-9223372036854775809"), InvalidArgument);
  CHECK_THROWS_AS(
      Config::parse("123456789012345678901234567890"), InvalidArgument);
}

TEST_CASE("asking for the wrong kind says what was expected and what came") {
  const Config text("abc");
  CHECK(message_of<InvalidArgument>([&] {
          text.as_int();
        }) == "[config] expected a whole number, got string \"abc\"");
  CHECK_THROWS_AS(Config(1.5).as_int(), InvalidArgument);
  CHECK_THROWS_AS(Config(1e300).as_int(), InvalidArgument);
  CHECK_THROWS_AS(Config(0x1p63).as_int(), InvalidArgument);
  CHECK_THROWS_AS(Config(true).as_int(), InvalidArgument);
  CHECK_THROWS_AS(Config(true).as_number(), InvalidArgument);
  CHECK_THROWS_AS(Config(1).as_bool(), InvalidArgument);
  CHECK_THROWS_AS(Config(1).as_string(), InvalidArgument);
  CHECK_THROWS_AS(Config(1).as_array(), InvalidArgument);
  CHECK_THROWS_AS(Config(1).as_object(), InvalidArgument);
  CHECK_THROWS_AS(Config::array({1, "x"}).as_ints(), InvalidArgument);
}

TEST_CASE("members are found, added, replaced and erased") {
  Config config;
  config["units"] = 4;
  config["name"] = "dense";
  CHECK(config.dump() == R"({"units": 4, "name": "dense"})");
  CHECK(config.at("units").as_int() == 4);
  CHECK(config.get("rate", 0.5).as_number() == 0.5);
  CHECK(config.find("rate") == nullptr);
  CHECK(
      message_of<InvalidArgument>([&] { config.at("unit"); }) ==
      "[config] expected a key \"unit\", got none; did you mean \"units\"?");
  config.erase("units");
  config.erase("units");  // no such key: nothing happens
  CHECK(config.size() == 1);
  CHECK(Config(1).find("x") == nullptr);
  CHECK_THROWS_AS(Config(1)["x"], InvalidArgument);
}

TEST_CASE("lists are built and read") {
  Config list = Config::ints({2, 3});
  list.push_back(4);
  CHECK(list.as_ints() == std::vector<std::int64_t>{2, 3, 4});
  Config fresh;
  fresh.push_back("x");
  CHECK(fresh.dump() == "[\"x\"]");
  CHECK_THROWS_AS(Config(1).push_back(2), InvalidArgument);
}

}  // namespace keratin
