#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin {

namespace {

/// An array with zeros before and after it along one axis.
struct Part {
  ValueId value = -1;
  std::size_t axis = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

class Joining {
 public:
  explicit Joining(const Graph& graph)
      : graph_(graph), uses_(graph.use_counts()) {}

  Graph run() const {
    return rewrite(
        graph_, [this](RewriteArgs& r) -> std::optional<std::vector<Value>> {
          return r.node.op == Op::add ? join(r) : std::nullopt;
        });
  }

 private:
  std::optional<Part> part_of(const Node& pad) const {
    if (pad.op != Op::pad || pad.attrs.number("value") != 0) return {};
    const auto low = pad.attrs.ints("low");
    const auto high = pad.attrs.ints("high");
    const Shape& shape = graph_.type(pad.outputs[0]).shape;
    std::optional<Part> part;
    for (std::size_t axis = 0; axis < low.size(); ++axis) {
      if (low[axis] < 0 || high[axis] < 0) return {};
      if (low[axis] == 0 && high[axis] == 0) continue;
      if (part) return {};
      part = {pad.inputs[0], axis, low[axis], shape[axis] - high[axis]};
    }
    return part;
  }

  // The pads that a tree of sums adds; false when something else is added.
  bool collect(ValueId id, const Shape& shape, std::vector<Part>& parts) const {
    if (graph_.type(id).shape != shape) return false;
    const Node& node = graph_.node(graph_.producer(id));
    if (node.op != Op::add) {
      const auto part = part_of(node);
      if (part) parts.push_back(*part);
      return part.has_value();
    }
    return uses_[id] == 1 && collect(node.inputs[0], shape, parts) &&
           collect(node.inputs[1], shape, parts);
  }

  std::optional<std::vector<Value>> join(RewriteArgs& r) const {
    const Node& sum = r.node;
    const Shape& shape = graph_.type(sum.outputs[0]).shape;
    std::vector<Part> parts;
    for (const ValueId id : sum.inputs) {
      if (!collect(id, shape, parts)) return {};
    }
    std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
      return a.begin < b.begin;
    });
    std::int64_t at = 0;
    std::vector<Value> values;
    for (const Part& part : parts) {
      if (part.axis != parts[0].axis || part.begin != at) return {};
      at = part.end;
      values.push_back(r.mapped[part.value]);
    }
    if (at != shape[parts[0].axis]) return {};
    return r.to.add(
        Op::concatenate,
        values,
        {{"axis", static_cast<std::int64_t>(parts[0].axis)}});
  }

  const Graph& graph_;
  std::vector<std::int32_t> uses_;
};

}  // namespace

// What slicing into parts and using each gives for a gradient:
//
//   pad(a)  pad(b)
//       \    /          =>   concatenate(a, b)
//        add
Graph join_pads(const Graph& graph) {
  return Joining(graph).run();
}

}  // namespace keratin
