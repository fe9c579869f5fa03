#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/core/check.hpp"
#include "src/ir/op_info.hpp"
#include "src/ir/ops/families.hpp"

namespace keratin {

namespace {

constexpr std::vector<OpInfo> (*kFamilies[])() = {
    families::structure_ops,
    families::unary_ops,
    families::binary_ops,
    families::reduce_ops,
    families::matmul_ops,
    families::shape_ops,
    families::index_ops,
    families::conv_ops,
    families::pool_ops,
    families::nn_ops,
    families::norm_ops,
    families::attention_ops,
    families::random_ops,
    families::control_ops,
};

struct Table {
  std::vector<OpInfo> by_op;  // indexed by the enumerator
  std::unordered_map<std::string_view, std::size_t> by_name;
};

Table build_table() {
  Table table;
  table.by_op.resize(kOpCount);
  std::vector<bool> declared(kOpCount, false);
  for (const auto family : kFamilies) {
    for (OpInfo& info : family()) {
      const auto index = static_cast<std::size_t>(info.op);
      KERATIN_CHECK(index < declared.size(), "op {} out of range", index);
      KERATIN_CHECK(!declared[index], "op {} declared twice", info.name);
      KERATIN_CHECK(
          info.infer != nullptr, "op {} has no shape rule", info.name);
      declared[index] = true;
      const bool fresh = table.by_name.emplace(info.name, index).second;
      KERATIN_CHECK(fresh, "two ops are named {}", info.name);
      table.by_op[index] = std::move(info);
    }
  }
  for (std::size_t i = 0; i < declared.size(); ++i) {
    KERATIN_CHECK(declared[i], "op number {} is declared nowhere", i);
  }
  return table;
}

const Table& table() {
  static const Table table = build_table();
  return table;
}

}  // namespace

const OpInfo& op_info(Op op) {
  return table().by_op.at(static_cast<std::size_t>(op));
}

const OpInfo* find_op(std::string_view name) {
  const auto& names = table().by_name;
  const auto found = names.find(name);
  return found == names.end() ? nullptr : &table().by_op[found->second];
}

std::span<const OpInfo> all_ops() {
  return table().by_op;
}

std::string_view op_name(Op op) {
  return op_info(op).name;
}

}  // namespace keratin
