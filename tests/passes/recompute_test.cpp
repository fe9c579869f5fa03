#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <keratin/ops.hpp>

#include "src/ir/autodiff.hpp"
#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"

namespace keratin {
namespace {

using testing::as_it_is;
using testing::graph_of;

std::string after(const std::string& statements, std::int64_t limit) {
  return testing::after_pass(
      [&](const Graph& graph) { return recompute(graph, limit); }, statements);
}

const std::string kOperands =
    "%0 = parameter(\"x\") : f32[100,100]\n"
    "%1 = parameter(\"w\") : f32[100,100]\n";

std::string product(
    const std::string& y, const std::string& a, const std::string& origin) {
  return "%" + y + " = matmul(%" + a +
         ", %1) {transpose_a=false, transpose_b=false} : f32[100,100] " +
         origin + "\n";
}

// x w -> exp -> w -> w, and the exponential used again at the end.
std::string kept(const std::string& used) {
  return kOperands + product("2", "0", "@a") +
         "%3 = exp(%2) : f32[100,100] @a\n" + product("4", "3", "@b") +
         product("5", "4", "@b") + "%6 = multiply(%5, %" + used +
         ") : f32[100,100] @@a\n"
         "%7 = multiply(%6, %2) : f32[100,100] @@a\nreturn %7";
}

TEST_CASE("recompute makes a cheap value again for the backward pass") {
  CHECK_EQ(
      after(kept("3"), 0),
      as_it_is(
          kOperands + product("2", "0", "@a") +
          "%3 = exp(%2) : f32[100,100] @a\n" + product("4", "3", "@b") +
          product("5", "4", "@b") +
          "%6 = exp(%2) : f32[100,100] @@a\n"
          "%7 = multiply(%5, %6) : f32[100,100] @@a\n"
          "%8 = multiply(%7, %2) : f32[100,100] @@a\nreturn %8"));
}

TEST_CASE("recompute leaves a graph alone that does with the limit") {
  const std::string text = kept("3");
  CHECK_EQ(after(text, 1 << 20), as_it_is(text));
}

TEST_CASE("recompute runs no product again, and nothing that needs one") {
  // Here nobody keeps the product, %2.
  const std::string text =
      kOperands + product("2", "0", "@a") + "%3 = exp(%2) : f32[100,100] @a\n" +
      product("4", "3", "@b") + product("5", "4", "@b") +
      "%6 = multiply(%5, %3) : f32[100,100] @@a\nreturn %6";
  CHECK_EQ(after(text, 0), as_it_is(text));
  const std::string product_kept = kept("4");
  CHECK_EQ(after(product_kept, 0), as_it_is(product_kept));
}

TEST_CASE("recompute makes what is gone again, too") {
  // %3 is not used backward: what is made of it is made from %2.
  const std::string head = kOperands + product("2", "0", "@a") +
                           "%3 = exp(%2) : f32[100,100] @a\n"
                           "%4 = tanh(%3) : f32[100,100] @a\n" +
                           product("5", "4", "@b") + product("6", "5", "@b");
  CHECK_EQ(
      after(
          head + "%7 = multiply(%6, %4) : f32[100,100] @@a\n"
                 "%8 = multiply(%7, %2) : f32[100,100] @@a\nreturn %8",
          0),
      as_it_is(
          head + "%7 = exp(%2) : f32[100,100] @@a\n"
                 "%8 = tanh(%7) : f32[100,100] @@a\n"
                 "%9 = multiply(%6, %8) : f32[100,100] @@a\n"
                 "%10 = multiply(%9, %2) : f32[100,100] @@a\nreturn %10"));
}

TEST_CASE("recompute keeps results and what is small") {
  const std::string result = kOperands + product("2", "0", "@a") +
                             "%3 = exp(%2) : f32[100,100] @a\n" +
                             product("4", "3", "@b") + product("5", "4", "@b") +
                             "%6 = multiply(%5, %3) : f32[100,100] @@a\n"
                             "%7 = multiply(%6, %2) : f32[100,100] @@a\n"
                             "return %7, %3";
  CHECK_EQ(after(result, 0), as_it_is(result));
  const std::string small =
      "%0 = parameter(\"x\") : f32[8]\n"
      "%1 = exp(%0) : f32[8]\n"
      "%2 = tanh(%1) : f32[8]\n"
      "%3 = multiply(%2, %1) : f32[8] @@\"\"\nreturn %3";
  CHECK_EQ(after(small, 0), as_it_is(small));
}

}  // namespace
}  // namespace keratin
