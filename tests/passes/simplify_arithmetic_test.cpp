#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::after_pass;
using testing::as_it_is;
using testing::parameters;

struct Row {
  std::string name;
  std::string types;  // of the parameters %0, %1, ...
  std::string before;
  std::string after;
};

std::string constant(
    const std::string& id, const std::string& type, const std::string& value) {
  return id + " = constant() {value=tensor(" + type + ", " + value +
         ")} : " + type + "\n";
}

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const std::string header = parameters(row.types);
    CHECK_EQ(
        after_pass(simplify, header + row.before),
        as_it_is(header + row.after));
  }
}

/// Each text must come out as it went in.
void check_stays(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const std::string text = parameters(row.types) + row.before;
    CHECK_EQ(after_pass(simplify, text), as_it_is(text));
  }
}

TEST_CASE("simplify drops neutral elements") {
  const std::string zero = constant("%1", "f32[]", "0.0");
  const std::string minus_zero = constant("%1", "f32[]", "-0.0");
  const std::string one = constant("%1", "f32[]", "1.0");
  check({
      {"x - 0",
       "f32[4]",
       zero + "%2 = subtract(%0, %1) : f32[4]\nreturn %2",
       "return %0"},
      {"x + -0",
       "f32[4]",
       minus_zero + "%2 = add(%0, %1) : f32[4]\nreturn %2",
       "return %0"},
      {"-0 + x",
       "f32[4]",
       minus_zero + "%2 = add(%1, %0) : f32[4]\nreturn %2",
       "return %0"},
      {"exp(x) + 0 cannot be -0",
       "f32[4]",
       zero + "%2 = exp(%0) : f32[4]\n%3 = add(%2, %1) : f32[4]\nreturn %3",
       "%2 = exp(%0) : f32[4]\nreturn %2"},
      {"integer x + 0",
       "i32[4]",
       constant("%1", "i32[]", "0.0") + "%2 = add(%0, %1) : i32[4]\nreturn %2",
       "return %0"},
      {"integer x + zeros of a whole shape",
       "i32[2]",
       constant("%1", "i32[2]", "0.0, 0.0") +
           "%2 = add(%0, %1) : i32[2]\nreturn %2",
       "return %0"},
      {"x * 1",
       "f32[4]",
       one + "%2 = multiply(%0, %1) : f32[4]\nreturn %2",
       "return %0"},
      {"1 * x",
       "f32[4]",
       one + "%2 = multiply(%1, %0) : f32[4]\nreturn %2",
       "return %0"},
      {"x * ones made by broadcasting",
       "f32[4]",
       one + "%2 = broadcast_to(%1) {shape=[4]} : f32[4]\n"
             "%3 = multiply(%0, %2) : f32[4]\nreturn %3",
       "return %0"},
      {"x / 1",
       "f32[4]",
       one + "%2 = divide(%0, %1) : f32[4]\nreturn %2",
       "return %0"},
      {"x * 1 of a larger shape",
       "f32[4]",
       constant("%1", "f32[1,1]", "1.0") +
           "%2 = multiply(%0, %1) : f32[1,4]\nreturn %2",
       "%2 = reshape(%0) {shape=[1, 4]} : f32[1,4]\nreturn %2"},
      {"x && true",
       "bool[4]",
       constant("%1", "bool[]", "1.0") +
           "%2 = logical_and(%0, %1) : bool[4]\nreturn %2",
       "return %0"},
      {"x || false",
       "bool[4]",
       constant("%1", "bool[]", "0.0") +
           "%2 = logical_or(%0, %1) : bool[4]\nreturn %2",
       "return %0"},
  });
}

TEST_CASE("simplify keeps what NaN, infinity or -0 would notice") {
  const std::string zero = constant("%1", "f32[]", "0.0");
  check_stays({
      {"x * 0", "f32[4]", zero + "%2 = multiply(%0, %1) : f32[4]\nreturn %2"},
      {"x + 0 for x = -0",
       "f32[4]",
       zero + "%2 = add(%0, %1) : f32[4]\nreturn %2"},
      {"x - -0 for x = -0",
       "f32[4]",
       constant("%1", "f32[]", "-0.0") +
           "%2 = subtract(%0, %1) : f32[4]\nreturn %2"},
      {"0 - x for x = 0",
       "f32[4]",
       zero + "%2 = subtract(%1, %0) : f32[4]\nreturn %2"},
      {"-(a - b) for a = b",
       "f32[4], f32[4]",
       "%2 = subtract(%0, %1) : f32[4]\n%3 = negative(%2) : f32[4]\n"
       "return %3"},
      {"x - x", "f32[4]", "%1 = subtract(%0, %0) : f32[4]\nreturn %1"},
      {"x / x", "f32[4]", "%1 = divide(%0, %0) : f32[4]\nreturn %1"},
      {"power(x, 0.5) for x = -inf",
       "f32[4]",
       constant("%1", "f32[]", "0.5") +
           "%2 = power(%0, %1) : f32[4]\nreturn %2"},
      {"!(a < b)",
       "f32[4], f32[4]",
       "%2 = less(%0, %1) : bool[4]\n%3 = logical_not(%2) : bool[4]\n"
       "return %3"},
      {"x + zeros of unlike signs",
       "f32[2]",
       constant("%1", "f32[2]", "-0.0, 0.0") +
           "%2 = add(%0, %1) : f32[2]\nreturn %2"},
      {"x * (1, 2)",
       "f32[2]",
       constant("%1", "f32[2]", "1.0, 2.0") +
           "%2 = multiply(%0, %1) : f32[2]\nreturn %2"},
      {"x / 3, whose reciprocal is not exact",
       "f32[4]",
       constant("%1", "f32[]", "3.0") +
           "%2 = divide(%0, %1) : f32[4]\nreturn %2"},
      {"abs(-x) of unsigned, which wraps around",
       "u8[4]",
       "%1 = negative(%0) : u8[4]\n%2 = abs(%1) : u8[4]\nreturn %2"},
  });
}

TEST_CASE("simplify moves signs to where they cost nothing") {
  check({
      {"-(-x)",
       "f32[4]",
       "%1 = negative(%0) : f32[4]\n%2 = negative(%1) : f32[4]\nreturn %2",
       "return %0"},
      {"x + -y",
       "f32[4], f32[4]",
       "%2 = negative(%1) : f32[4]\n%3 = add(%0, %2) : f32[4]\nreturn %3",
       "%2 = subtract(%0, %1) : f32[4]\nreturn %2"},
      {"-x + y",
       "f32[4], f32[4]",
       "%2 = negative(%0) : f32[4]\n%3 = add(%2, %1) : f32[4]\nreturn %3",
       "%2 = subtract(%1, %0) : f32[4]\nreturn %2"},
      {"x - -y",
       "f32[4], f32[4]",
       "%2 = negative(%1) : f32[4]\n%3 = subtract(%0, %2) : f32[4]\n"
       "return %3",
       "%2 = add(%0, %1) : f32[4]\nreturn %2"},
      {"x + -y where others use -y too",
       "f32[4], f32[4]",
       "%2 = negative(%1) : f32[4]\n%3 = add(%0, %2) : f32[4]\n"
       "return %3, %2",
       "%2 = negative(%1) : f32[4]\n%3 = subtract(%0, %1) : f32[4]\n"
       "return %3, %2"},
      {"-x * -y",
       "f32[4], f32[4]",
       "%2 = negative(%0) : f32[4]\n%3 = negative(%1) : f32[4]\n"
       "%4 = multiply(%2, %3) : f32[4]\nreturn %4",
       "%2 = multiply(%0, %1) : f32[4]\nreturn %2"},
      {"x * -1",
       "f32[4]",
       constant("%1", "f32[]", "-1.0") +
           "%2 = multiply(%0, %1) : f32[4]\nreturn %2",
       "%1 = negative(%0) : f32[4]\nreturn %1"},
      {"-0 - x",
       "f32[4]",
       constant("%1", "f32[]", "-0.0") +
           "%2 = subtract(%1, %0) : f32[4]\nreturn %2",
       "%1 = negative(%0) : f32[4]\nreturn %1"},
      {"abs(-x)",
       "f32[4]",
       "%1 = negative(%0) : f32[4]\n%2 = abs(%1) : f32[4]\nreturn %2",
       "%1 = abs(%0) : f32[4]\nreturn %1"},
      {"square(-x)",
       "f32[4]",
       "%1 = negative(%0) : f32[4]\n%2 = square(%1) : f32[4]\nreturn %2",
       "%1 = square(%0) : f32[4]\nreturn %1"},
  });
}

TEST_CASE("simplify finds cheaper ops") {
  const auto power = [](const std::string& exponent) {
    return constant("%1", "f32[]", exponent) +
           "%2 = power(%0, %1) : f32[4]\nreturn %2";
  };
  check({
      {"x * x",
       "f32[4]",
       "%1 = multiply(%0, %0) : f32[4]\nreturn %1",
       "%1 = square(%0) : f32[4]\nreturn %1"},
      {"power(x, 2)",
       "f32[4]",
       power("2.0"),
       "%1 = square(%0) : f32[4]\nreturn %1"},
      {"power(x, 1)", "f32[4]", power("1.0"), "return %0"},
      {"power(x, 0)",
       "f32[4]",
       power("0.0"),
       constant("%1", "f32[]", "1.0") +
           "%2 = broadcast_to(%1) {shape=[4]} : f32[4]\nreturn %2"},
      {"power(x, -1)",
       "f32[4]",
       power("-1.0"),
       "%1 = reciprocal(%0) : f32[4]\nreturn %1"},
      {"power(exp(x), 0.5)",
       "f32[4]",
       constant("%1", "f32[]", "0.5") +
           "%2 = exp(%0) : f32[4]\n%3 = power(%2, %1) : f32[4]\nreturn %3",
       "%1 = exp(%0) : f32[4]\n%2 = sqrt(%1) : f32[4]\nreturn %2"},
      {"power of an integer",
       "i32[4]",
       constant("%1", "i32[]", "2.0") +
           "%2 = power(%0, %1) : i32[4]\nreturn %2",
       "%1 = square(%0) : i32[4]\nreturn %1"},
      {"x / 4",
       "f32[4]",
       constant("%1", "f32[]", "4.0") +
           "%2 = divide(%0, %1) : f32[4]\nreturn %2",
       constant("%1", "f32[]", "0.25") +
           "%2 = multiply(%0, %1) : f32[4]\nreturn %2"},
      {"1 / x",
       "f32[4]",
       constant("%1", "f32[]", "1.0") +
           "%2 = divide(%1, %0) : f32[4]\nreturn %2",
       "%1 = reciprocal(%0) : f32[4]\nreturn %1"},
      {"relu(relu(x))",
       "f32[4]",
       "%1 = relu(%0) : f32[4]\n%2 = relu(%1) : f32[4]\nreturn %2",
       "%1 = relu(%0) : f32[4]\nreturn %1"},
      {"abs(sigmoid(x))",
       "f32[4]",
       "%1 = sigmoid(%0) : f32[4]\n%2 = abs(%1) : f32[4]\nreturn %2",
       "%1 = sigmoid(%0) : f32[4]\nreturn %1"},
      {"maximum(x, x)",
       "f32[4]",
       "%1 = maximum(%0, %0) : f32[4]\nreturn %1",
       "return %0"},
      {"!!x",
       "bool[4]",
       "%1 = logical_not(%0) : bool[4]\n%2 = logical_not(%1) : bool[4]\n"
       "return %2",
       "return %0"},
      {"!(a == b)",
       "f32[4], f32[4]",
       "%2 = equal(%0, %1) : bool[4]\n%3 = logical_not(%2) : bool[4]\n"
       "return %3",
       "%2 = not_equal(%0, %1) : bool[4]\nreturn %2"},
      {"stop_gradient(x)",
       "f32[4]",
       "%1 = stop_gradient(%0) : f32[4]\nreturn %1",
       "return %0"},
  });
}

TEST_CASE("simplify joins casts that lose nothing on the way") {
  const auto chain = [](const std::string& by, const std::string& to) {
    return "%1 = cast(%0) {dtype=" + by + "} : " + by +
           "[4]\n%2 = cast(%1) {dtype=" + to + "} : " + to + "[4]\nreturn %2";
  };
  const auto direct = [](const std::string& to) {
    return "%1 = cast(%0) {dtype=" + to + "} : " + to + "[4]\nreturn %1";
  };
  check({
      {"to the same dtype", "f32[4]", direct("f32"), "return %0"},
      {"there and back", "f32[4]", chain("f64", "f32"), "return %0"},
      {"bf16 and back", "bf16[4]", chain("f32", "bf16"), "return %0"},
      {"f16 by f32", "f16[4]", chain("f32", "f64"), direct("f64")},
      {"whole numbers", "i8[4]", chain("i32", "f32"), direct("f32")},
      {"bool", "bool[4]", chain("f32", "i32"), chain("f32", "i32")},
      {"bool and back by integers",
       "bool[4]",
       chain("i32", "f32"),
       direct("f32")},
  });
  const auto stays = [&](const std::string& type,
                         const std::string& by,
                         const std::string& to) {
    return Row{type + " by " + by, type + "[4]", chain(by, to), ""};
  };
  check_stays({
      stays("f32", "bf16", "f32"),
      stays("f32", "i32", "f32"),
      stays("i32", "f32", "i32"),
      stays("i8", "u8", "i32"),
      stays("i32", "f64", "i8"),
      stays("bf16", "f16", "f32"),
      stays("f32", "bool", "f32"),
  });
}

TEST_CASE("simplify decides selects whose outcome is known") {
  const std::string yes = constant("%2", "bool[]", "1.0");
  const std::string no = constant("%2", "bool[]", "0.0");
  const std::string choose = "%3 = select(%2, %0, %1) : f32[4]\nreturn %3";
  check({
      {"always", "f32[4], f32[4]", yes + choose, "return %0"},
      {"never", "f32[4], f32[4]", no + choose, "return %1"},
      {"always a smaller one",
       "f32[], f32[4]",
       yes + choose,
       "%2 = broadcast_to(%0) {shape=[4]} : f32[4]\nreturn %2"},
      {"the same both ways",
       "bool[4], f32[4]",
       "%2 = select(%0, %1, %1) : f32[4]\nreturn %2",
       "return %1"},
      {"by a negated condition",
       "bool[4], f32[4], f32[4]",
       "%3 = logical_not(%0) : bool[4]\n%4 = select(%3, %1, %2) : f32[4]\n"
       "return %4",
       "%3 = select(%0, %2, %1) : f32[4]\nreturn %3"},
  });
}

TEST_CASE("simplify takes the branch of a cond that is known") {
  const std::string branches =
      "%2 = cond(%1, %0) {if_true=graph {\n"
      "%0 = parameter(\"a\") : f32[4]\n%1 = exp(%0) : f32[4]\nreturn %1\n"
      "}, if_false=graph {\n"
      "%0 = parameter(\"a\") : f32[4]\n%1 = sin(%0) : f32[4]\nreturn %1\n"
      "}} : f32[4]\nreturn %2";
  check({
      {"true",
       "f32[4]",
       constant("%1", "bool[]", "1.0") + branches,
       "%1 = exp(%0) : f32[4]\nreturn %1"},
      {"false",
       "f32[4]",
       constant("%1", "bool[]", "0.0") + branches,
       "%1 = sin(%0) : f32[4]\nreturn %1"},
  });
  check_stays({{"unknown", "f32[4], bool[]", branches, ""}});
}

}  // namespace
}  // namespace keratin
