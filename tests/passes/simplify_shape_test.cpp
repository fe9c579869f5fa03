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
  std::string after;  // empty: as before
};

void check(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const std::string header = parameters(row.types);
    CHECK_EQ(
        after_pass(simplify, header + row.before),
        as_it_is(header + (row.after.empty() ? row.before : row.after)));
  }
}

TEST_CASE("simplify joins reshapes and drops those that change nothing") {
  check({
      {"the same shape",
       "f32[2,3]",
       "%1 = reshape(%0) {shape=[2, 3]} : f32[2,3]\nreturn %1",
       "return %0"},
      {"two",
       "f32[2,3]",
       "%1 = reshape(%0) {shape=[6]} : f32[6]\n"
       "%2 = reshape(%1) {shape=[3, 2]} : f32[3,2]\nreturn %2",
       "%1 = reshape(%0) {shape=[3, 2]} : f32[3,2]\nreturn %1"},
      {"there and back",
       "f32[2,3]",
       "%1 = reshape(%0) {shape=[6]} : f32[6]\n"
       "%2 = reshape(%1) {shape=[2, 3]} : f32[2,3]\nreturn %2",
       "return %0"},
      {"the first is an output too",
       "f32[2,3]",
       "%1 = reshape(%0) {shape=[6]} : f32[6]\n"
       "%2 = reshape(%1) {shape=[3, 2]} : f32[3,2]\nreturn %1, %2",
       "%1 = reshape(%0) {shape=[6]} : f32[6]\n"
       "%2 = reshape(%0) {shape=[3, 2]} : f32[3,2]\nreturn %1, %2"},
      {"a useful one",
       "f32[2,3]",
       "%1 = reshape(%0) {shape=[6]} : f32[6]\nreturn %1",
       ""},
  });
}

TEST_CASE("simplify joins transposes and drops those that change nothing") {
  check({
      {"identity",
       "f32[2,3]",
       "%1 = transpose(%0) {permutation=[0, 1]} : f32[2,3]\nreturn %1",
       "return %0"},
      {"twice",
       "f32[2,3]",
       "%1 = transpose(%0) {permutation=[1, 0]} : f32[3,2]\n"
       "%2 = transpose(%1) {permutation=[1, 0]} : f32[2,3]\nreturn %2",
       "return %0"},
      {"two that make a third",
       "f32[2,3,4]",
       "%1 = transpose(%0) {permutation=[1, 2, 0]} : f32[3,4,2]\n"
       "%2 = transpose(%1) {permutation=[1, 0, 2]} : f32[4,3,2]\nreturn %2",
       "%1 = transpose(%0) {permutation=[2, 1, 0]} : f32[4,3,2]\nreturn %1"},
      {"of ones",
       "f32[2,1,4,1]",
       "%1 = transpose(%0) {permutation=[0, 3, 1, 2]} : f32[2,1,1,4]\n"
       "return %1",
       "%1 = reshape(%0) {shape=[2, 1, 1, 4]} : f32[2,1,1,4]\nreturn %1"},
      {"a useful one",
       "f32[2,3]",
       "%1 = transpose(%0) {permutation=[1, 0]} : f32[3,2]\nreturn %1",
       ""},
  });
}

TEST_CASE("simplify turns transposed operands of matmul into flags") {
  const std::string flags_ab =
      " {transpose_a=true, transpose_b=true} : f32[3,4]\nreturn %";
  check({
      {"both",
       "f32[2,3], f32[4,2]",
       "%2 = transpose(%0) {permutation=[1, 0]} : f32[3,2]\n"
       "%3 = transpose(%1) {permutation=[1, 0]} : f32[2,4]\n"
       "%4 = matmul(%2, %3) {transpose_a=false, transpose_b=false} : "
       "f32[3,4]\nreturn %4",
       "%2 = matmul(%0, %1)" + flags_ab + "2"},
      {"one that was a flag already",
       "f32[3,2], f32[2,4]",
       "%2 = transpose(%0) {permutation=[1, 0]} : f32[2,3]\n"
       "%3 = matmul(%2, %1) {transpose_a=true, transpose_b=false} : "
       "f32[3,4]\nreturn %3",
       "%2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : "
       "f32[3,4]\nreturn %2"},
      {"with batches, and used elsewhere",
       "f32[5,2,3], f32[5,2,4]",
       "%2 = transpose(%0) {permutation=[0, 2, 1]} : f32[5,3,2]\n"
       "%3 = matmul(%2, %1) {transpose_a=false, transpose_b=false} : "
       "f32[5,3,4]\nreturn %3, %2",
       "%2 = transpose(%0) {permutation=[0, 2, 1]} : f32[5,3,2]\n"
       "%3 = matmul(%0, %1) {transpose_a=true, transpose_b=false} : "
       "f32[5,3,4]\nreturn %3, %2"},
      {"one that moves rows and batches apart",
       "f32[5,7,2,3], f32[5,2,7,4]",
       "%2 = transpose(%0) {permutation=[0, 2, 3, 1]} : f32[5,2,3,7]\n"
       "%3 = matmul(%2, %1) {transpose_a=false, transpose_b=false} : "
       "f32[5,2,3,4]\nreturn %3",
       "%2 = transpose(%0) {permutation=[0, 2, 1, 3]} : f32[5,2,7,3]\n"
       "%3 = matmul(%2, %1) {transpose_a=true, transpose_b=false} : "
       "f32[5,2,3,4]\nreturn %3"},
      {"not one that moves a batch axis",
       "f32[2,5,3], f32[5,3,4]",
       "%2 = transpose(%0) {permutation=[1, 0, 2]} : f32[5,2,3]\n"
       "%3 = matmul(%2, %1) {transpose_a=false, transpose_b=false} : "
       "f32[5,2,4]\nreturn %3",
       ""},
  });
}

TEST_CASE("simplify drops broadcasts that the next op does anyway") {
  check({
      {"before add",
       "f32[3], f32[2,3]",
       "%2 = broadcast_to(%0) {shape=[2, 3]} : f32[2,3]\n"
       "%3 = add(%2, %1) : f32[2,3]\nreturn %3",
       "%2 = add(%0, %1) : f32[2,3]\nreturn %2"},
      {"before select, by the first operand too",
       "bool[3], f32[2,3], f32[]",
       "%3 = broadcast_to(%0) {shape=[2, 3]} : bool[2,3]\n"
       "%4 = broadcast_to(%2) {shape=[2, 3]} : f32[2,3]\n"
       "%5 = select(%3, %1, %4) : f32[2,3]\nreturn %5",
       "%3 = select(%0, %1, %2) : f32[2,3]\nreturn %3"},
      {"a reshape that adds leading ones",
       "f32[3], f32[2,3]",
       "%2 = reshape(%0) {shape=[1, 3]} : f32[1,3]\n"
       "%3 = add(%2, %1) : f32[2,3]\nreturn %3",
       "%2 = add(%0, %1) : f32[2,3]\nreturn %2"},
      {"not one that the shape needs",
       "f32[3], f32[2,3], f32[3,1]",
       "%3 = reshape(%0) {shape=[3, 1]} : f32[3,1]\n"
       "%4 = add(%3, %2) : f32[3,1]\nreturn %4",
       ""},
      {"only as many as may go",
       "f32[3], f32[]",
       "%2 = broadcast_to(%0) {shape=[2, 3]} : f32[2,3]\n"
       "%3 = broadcast_to(%1) {shape=[2, 3]} : f32[2,3]\n"
       "%4 = add(%2, %3) : f32[2,3]\nreturn %4",
       "%2 = add(%0, %1) : f32[3]\n"
       "%3 = broadcast_to(%2) {shape=[2, 3]} : f32[2,3]\nreturn %3"},
      {"of a broadcast",
       "f32[]",
       "%1 = broadcast_to(%0) {shape=[3]} : f32[3]\n"
       "%2 = broadcast_to(%1) {shape=[2, 3]} : f32[2,3]\nreturn %2",
       "%1 = broadcast_to(%0) {shape=[2, 3]} : f32[2,3]\nreturn %1"},
      {"to the same shape",
       "f32[3]",
       "%1 = broadcast_to(%0) {shape=[3]} : f32[3]\nreturn %1",
       "return %0"},
      {"that repeats nothing",
       "f32[3]",
       "%1 = broadcast_to(%0) {shape=[1, 3]} : f32[1,3]\nreturn %1",
       "%1 = reshape(%0) {shape=[1, 3]} : f32[1,3]\nreturn %1"},
      {"after a function of one operand",
       "f32[3]",
       "%1 = broadcast_to(%0) {shape=[2, 3]} : f32[2,3]\n"
       "%2 = exp(%1) : f32[2,3]\nreturn %2",
       "%1 = exp(%0) : f32[3]\n"
       "%2 = broadcast_to(%1) {shape=[2, 3]} : f32[2,3]\nreturn %2"},
      {"not before a matmul",
       "f32[3], f32[3,2]",
       "%2 = broadcast_to(%0) {shape=[2, 3]} : f32[2,3]\n"
       "%3 = matmul(%2, %1) {transpose_a=false, transpose_b=false} : "
       "f32[2,2]\nreturn %3",
       ""},
  });
}

TEST_CASE("simplify drops slices, pads, joins and sums of nothing") {
  check({
      {"a slice of everything",
       "f32[2,3]",
       "%1 = slice(%0) {start=[0, 0], stop=[2, 3], step=[1, 1]} : f32[2,3]\n"
       "return %1",
       "return %0"},
      {"a slice of a part",
       "f32[2,3]",
       "%1 = slice(%0) {start=[0, 1], stop=[2, 3], step=[1, 1]} : f32[2,2]\n"
       "return %1",
       ""},
      {"a pad by nothing",
       "f32[2]",
       "%1 = pad(%0) {low=[0], high=[0], value=0.0} : f32[2]\nreturn %1",
       "return %0"},
      {"a pad on one side",
       "f32[2]",
       "%1 = pad(%0) {low=[0], high=[1], value=0.0} : f32[3]\nreturn %1",
       ""},
      {"a pad that moves",
       "f32[2]",
       "%1 = pad(%0) {low=[1], high=[-1], value=0.0} : f32[2]\nreturn %1",
       ""},
      {"one to concatenate",
       "f32[2]",
       "%1 = concatenate(%0) {axis=0} : f32[2]\nreturn %1",
       "return %0"},
      {"empty parts",
       "f32[2], f32[0], f32[3]",
       "%3 = concatenate(%0, %1, %2) {axis=0} : f32[5]\nreturn %3",
       "%3 = concatenate(%0, %2) {axis=0} : f32[5]\nreturn %3"},
      {"a reversed axis of one",
       "f32[1,3]",
       "%1 = reverse(%0) {axes=[0]} : f32[1,3]\nreturn %1",
       "return %0"},
      {"a reversed axis of more",
       "f32[1,3]",
       "%1 = reverse(%0) {axes=[0, 1]} : f32[1,3]\nreturn %1",
       ""},
      {"a sum over ones",
       "f32[2,1,3,1]",
       "%1 = reduce_sum(%0) {axes=[1, 3], keepdims=false} : f32[2,3]\n"
       "return %1",
       "%1 = reshape(%0) {shape=[2, 3]} : f32[2,3]\nreturn %1"},
      {"a maximum over ones, kept",
       "f32[2,1]",
       "%1 = reduce_max(%0) {axes=[1], keepdims=true} : f32[2,1]\nreturn %1",
       "return %0"},
      {"a sum over more",
       "f32[2,1,3]",
       "%1 = reduce_sum(%0) {axes=[1, 2], keepdims=false} : f32[2]\n"
       "return %1",
       ""},
  });
}

}  // namespace
}  // namespace keratin
