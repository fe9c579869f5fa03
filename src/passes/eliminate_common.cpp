#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin {
namespace {

/// A running hash, after boost::hash_combine.
class Hash {
 public:
  void add(std::size_t part) {
    value_ ^= part + 0x9e3779b97f4a7c15 + (value_ << 6) + (value_ >> 2);
  }

  void add_bytes(const void* data, std::size_t size) {
    add(std::hash<std::string_view>{}({static_cast<const char*>(data), size}));
  }

  void add_attrs(const Attrs& attrs) {
    for (const auto& [name, attr] : attrs.entries()) {
      add(attr.index());
      std::visit([&](const auto& value) { add_value(value); }, attr);
    }
  }

  std::size_t value() const { return value_; }

 private:
  template <class T>
  void add_value(const T& value) {
    if constexpr (std::is_same_v<T, Ints>) {
      add_bytes(value.data(), value.size() * sizeof(std::int64_t));
    } else if constexpr (std::is_same_v<T, std::string>) {
      add_bytes(value.data(), value.size());
    } else if constexpr (std::is_same_v<T, Variable>) {
      add(value.id());
    } else if constexpr (std::is_same_v<T, Tensor>) {
      add_tensor(value);
    } else if constexpr (std::is_same_v<T, std::shared_ptr<const Graph>>) {
      for (const Node& node : value->nodes()) {
        add(static_cast<std::size_t>(node.op));
        add_attrs(node.attrs);
      }
    } else {
      // By bits: a padding of -0.0 is not one of 0.0.
      add_bytes(&value, sizeof value);
    }
  }

  void add_tensor(const Tensor& tensor) {
    constexpr std::size_t kEnough = 1024;  // bytes; the rest is compared
    add(static_cast<std::size_t>(tensor.dtype()));
    const Ints& dims = tensor.shape().dims();
    add_bytes(dims.data(), dims.size() * sizeof(std::int64_t));
    if (tensor.dtype() == DType::string) return;
    add_bytes(tensor.raw(), std::min(tensor.size_bytes(), kEnough));
  }

  std::size_t value_ = 0;
};

bool is_commutative(Op op) {
  switch (op) {
    case Op::add:
    case Op::multiply:
    case Op::logical_and:
    case Op::logical_or:
    case Op::logical_xor:
    case Op::bitwise_and:
    case Op::bitwise_or:
    case Op::bitwise_xor:
    case Op::equal:
    case Op::not_equal:
      return true;
    default:
      return false;
  }
}

std::vector<ValueId> operands(Op op, std::vector<ValueId> ids) {
  if (is_commutative(op)) std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

// Two nodes of one op with the same operands and attributes are one; the first
// stays. Random ops too: their bits depend on their operand only.
//
//   exp(x)   exp(x)         exp(x)
//     |        |      =>     |  |
//    (a)      (b)           (a)(b)
Graph eliminate_common(const Graph& graph) {
  std::unordered_multimap<std::size_t, NodeId> known;  // in the new graph
  return rewrite(
      graph, [&](RewriteArgs& r) -> std::optional<std::vector<Value>> {
        const Op op = r.node.op;
        if (op == Op::parameter || op == Op::read || op == Op::assign) {
          return {};
        }
        std::vector<ValueId> ids;
        ids.reserve(r.inputs.size());
        for (const Value& input : r.inputs) ids.push_back(input.id());
        ids = operands(op, std::move(ids));
        Hash hash;
        hash.add(static_cast<std::size_t>(op));
        hash.add_bytes(ids.data(), ids.size() * sizeof(ValueId));
        hash.add_attrs(r.node.attrs);
        const auto [begin, end] = known.equal_range(hash.value());
        for (auto it = begin; it != end; ++it) {
          const Node& first = r.to.node(it->second);
          if (first.op != op || operands(op, first.inputs) != ids ||
              !(first.attrs == r.node.attrs)) {
            continue;
          }
          std::vector<Value> results;
          for (const ValueId output : first.outputs) {
            results.push_back(r.to.value(output));
          }
          return results;
        }
        known.emplace(hash.value(), static_cast<NodeId>(r.to.nodes().size()));
        return r.to.add(op, r.inputs, r.node.attrs);
      });
}

}  // namespace keratin
