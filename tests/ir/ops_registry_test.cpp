#include <doctest/doctest.h>

#include <set>

#include "src/ir/op_info.hpp"

using namespace keratin;  // NOLINT

TEST_CASE("every op is declared once, in the order of the enumeration") {
  REQUIRE(all_ops().size() == static_cast<std::size_t>(kOpCount));
  std::set<std::string_view> names;
  for (int i = 0; i < kOpCount; ++i) {
    const OpInfo& info = all_ops()[i];
    CAPTURE(info.name);
    CHECK(static_cast<int>(info.op) == i);
    CHECK(&op_info(info.op) == &info);
    CHECK(op_name(info.op) == info.name);
    CHECK(find_op(info.name) == &info);
    const bool has_rule = info.infer != nullptr;
    CHECK(has_rule);
    CHECK(names.insert(info.name).second);
  }
}

TEST_CASE("an unknown name finds no op") {
  CHECK(find_op("convolve") == nullptr);
  CHECK(find_op("") == nullptr);
}

TEST_CASE("an op names each attribute once") {
  for (const OpInfo& info : all_ops()) {
    CAPTURE(info.name);
    std::set<std::string_view> names;
    for (const AttrSpec& spec : info.attrs) {
      CAPTURE(spec.name);
      CHECK(names.insert(spec.name).second);
    }
  }
}

TEST_CASE("element-wise ops are those of one to three operands, and fused") {
  for (const OpInfo& info : all_ops()) {
    CAPTURE(info.name);
    const bool expected = (info.op >= Op::negative && info.op <= Op::select) ||
                          info.op == Op::fused;
    CHECK(info.elementwise == expected);
  }
}
