#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin {

namespace {

using Ints = std::vector<std::int64_t>;

/// What a pad adds around the spatial axes of [n, spatial..., c].
struct Margins {
  Ints low;
  Ints high;
};

/// Nothing where the pad reaches other axes, or both adds and crops.
std::optional<Margins> margins_of(const Node& pad, std::int64_t sign) {
  Ints low = pad.attrs.ints("low");
  Ints high = pad.attrs.ints("high");
  const std::size_t rank = low.size();
  if (rank < 3 || low[0] != 0 || high[0] != 0 || low[rank - 1] != 0 ||
      high[rank - 1] != 0) {
    return {};
  }
  Margins margins = {
      {low.begin() + 1, low.end() - 1}, {high.begin() + 1, high.end() - 1}};
  for (Ints* side : {&margins.low, &margins.high}) {
    for (std::int64_t& amount : *side) {
      amount *= sign;
      if (amount < 0) return {};
    }
  }
  return margins;
}

class Folding {
 public:
  explicit Folding(const Graph& graph)
      : graph_(graph), uses_(graph.use_counts()) {}

  Graph run() const {
    return rewrite(
        graph_, [this](RewriteArgs& r) -> std::optional<std::vector<Value>> {
          switch (r.node.op) {
            case Op::conv:
            case Op::conv_backward_weights:
              return pad_inside(r);
            case Op::pad:
              return crop_inside(r);
            default:
              return {};
          }
        });
  }

 private:
  const Node& maker(ValueId id) const {
    return graph_.node(graph_.producer(id));
  }

  /// The attributes with the margins added to the padding. Nothing where that
  /// is as wide as the kernel `w`: backends are slow there, if they do it.
  static std::optional<Attrs> wider(
      const Attrs& attrs, const Margins& margins, const Shape& w) {
    Attrs result = attrs;
    Ints low = attrs.ints("pad_low");
    Ints high = attrs.ints("pad_high");
    const Ints& dilation = attrs.ints("dilation");
    for (std::size_t i = 0; i < low.size(); ++i) {
      low[i] += margins.low[i];
      high[i] += margins.high[i];
      const std::int64_t reach = (w[i] - 1) * dilation[i];
      if (low[i] > reach || high[i] > reach) return {};
    }
    result.set("pad_low", low);
    result.set("pad_high", high);
    return result;
  }

  //   pad(x)                 x
  //     |            =>      |
  //   conv              conv with more padding
  std::optional<std::vector<Value>> pad_inside(RewriteArgs& r) const {
    const Node& pad = maker(r.node.inputs[0]);
    if (pad.op != Op::pad || pad.attrs.number("value") != 0) return {};
    const auto margins = margins_of(pad, 1);
    if (!margins) return {};
    const ValueId w =
        r.node.op == Op::conv ? r.node.inputs[1] : r.node.outputs[0];
    const auto attrs = wider(r.node.attrs, *margins, graph_.type(w).shape);
    if (!attrs) return {};
    return r.to.add(r.node.op, {r.mapped[pad.inputs[0]], r.inputs[1]}, *attrs);
  }

  //   conv_backward_data         conv_backward_data with more padding
  //     |                  =>      |
  //   crop
  std::optional<std::vector<Value>> crop_inside(RewriteArgs& r) const {
    const Node& conv = maker(r.node.inputs[0]);
    if (conv.op != Op::conv_backward_data || uses_[r.node.inputs[0]] != 1) {
      return {};
    }
    const auto margins = margins_of(r.node, -1);
    if (!margins) return {};
    auto attrs = wider(conv.attrs, *margins, graph_.type(conv.inputs[1]).shape);
    if (!attrs) return {};
    r.to.set_origin(conv.origin);
    attrs->set("shape", graph_.type(r.node.outputs[0]).shape.dims());
    return r.to.add(
        conv.op, {r.mapped[conv.inputs[0]], r.mapped[conv.inputs[1]]}, *attrs);
  }

  const Graph& graph_;
  std::vector<std::int32_t> uses_;
};

}  // namespace

Graph fold_padding(const Graph& graph) {
  return Folding(graph).run();
}

}  // namespace keratin
