#include "src/backends/cpu/norm_gate.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <keratin/ops.hpp>

#include "src/ir/rewriter.hpp"
#include "src/passes/pass.hpp"

namespace keratin::cpu {

namespace {

using GraphPtr = std::shared_ptr<const Graph>;

// The operands of batch_norm_grad.
enum Operand : std::uint8_t { kX, kGamma, kMean, kVariance, kDy, kBeta };

struct Gate {
  ValueId dy = -1;    // before the mask
  ValueId beta = -1;  // of the normalisation before the ReLU
  std::optional<double> limit;
};

class Matcher {
 public:
  explicit Matcher(const Graph& graph)
      : graph_(graph), uses_(graph.use_counts()) {}

  std::optional<Gate> match(const Node& grad) const {
    if (grad.op != Op::batch_norm_grad) return {};
    Gate gate;
    ValueId relu = -1;
    bool masked = false;
    gate.dy = grad.inputs[kDy];
    // select(r > 0, dy, 0) and select(r <= limit, dy, 0), in any order.
    while (uses_[gate.dy] == 1) {
      const Node& select = maker(gate.dy);
      if (select.op != Op::select || constant(select.inputs[2]) != 0.0) break;
      const Node& mask = maker(select.inputs[0]);
      if (mask.inputs.size() != 2) break;
      const std::optional<double> bound = constant(mask.inputs[1]);
      if (!bound || maker(mask.inputs[0]).op != Op::relu) break;
      if (relu >= 0 && relu != mask.inputs[0]) break;
      if (mask.op == Op::greater && *bound == 0) {
        masked = true;
      } else if (mask.op == Op::less_equal && !gate.limit) {
        gate.limit = bound;
      } else {
        break;
      }
      relu = mask.inputs[0];
      gate.dy = select.inputs[1];
    }
    if (!masked) return {};
    const ValueId y = maker(relu).inputs[0];
    const Node& norm = maker(y);
    if (norm.op != Op::batch_norm_training || norm.outputs[0] != y ||
        norm.inputs[0] != grad.inputs[kX] ||
        norm.inputs[1] != grad.inputs[kGamma] ||
        norm.outputs[1] != grad.inputs[kMean] ||
        norm.outputs[2] != grad.inputs[kVariance] ||
        norm.attrs.number("epsilon") != grad.attrs.number("epsilon") ||
        graph_.type(y) != graph_.type(gate.dy) ||
        graph_.type(y).dtype != DType::f32) {
      return {};
    }
    gate.beta = norm.inputs[2];
    return gate;
  }

 private:
  const Node& maker(ValueId id) const {
    return graph_.node(graph_.producer(id));
  }

  // The number that a scalar constant is.
  std::optional<double> constant(ValueId id) const {
    const Node& node = maker(id);
    if (node.op != Op::constant || graph_.type(id).shape.rank() != 0 ||
        !is_floating(graph_.type(id).dtype)) {
      return {};
    }
    return node.attrs.get<Tensor>("value").item<double>();
  }

  const Graph& graph_;
  std::vector<std::int32_t> uses_;
};

std::vector<Value> fused(const Gate& gate, RewriteArgs& r) {
  const auto body = std::make_shared<Graph>();
  body->set_origin(r.node.origin);
  std::vector<ValueId> ids = r.node.inputs;
  ids[kDy] = gate.dy;
  ids.push_back(gate.beta);
  std::vector<Value> operands;
  std::vector<Value> inner;
  for (const ValueId id : ids) {
    inner.push_back(body->parameter(
        r.from.type(id), "x" + std::to_string(operands.size())));
    operands.push_back(r.mapped[id]);
  }
  const Value y = body->add1(
      Op::batch_norm_inference,
      {inner[kX], inner[kGamma], inner[kBeta], inner[kMean], inner[kVariance]},
      r.node.attrs);
  const Value zero = body->constant(Tensor(0.0F));
  const auto where = [&](Op op, const Value& bound, const Value& dy) {
    return body->add1(Op::select, {body->add1(op, {y, bound}), dy, zero});
  };
  Value dy = where(Op::greater, zero, inner[kDy]);
  if (gate.limit) {
    const Value limit = body->constant(Tensor(static_cast<float>(*gate.limit)));
    dy = where(Op::less_equal, limit, dy);
  }
  inner[kDy] = dy;
  body->set_outputs(body->add(
      Op::batch_norm_grad,
      {inner[kX], inner[kGamma], inner[kMean], inner[kVariance], inner[kDy]},
      r.node.attrs));
  return r.to.add(Op::fused, operands, {{"body", GraphPtr(body)}});
}

}  // namespace

GatedNormGrad gated_norm_grad_of(const Node& node) {
  if (node.op == Op::batch_norm_grad) return {&node};
  if (node.op != Op::fused) return {};
  const Graph& body = *node.attrs.get<GraphPtr>("body");
  GatedNormGrad found;
  for (const Node& inner : body.nodes()) {
    switch (inner.op) {
      case Op::parameter:
      case Op::constant:
      case Op::batch_norm_inference:
      case Op::greater:
      case Op::select:
        break;
      case Op::less_equal: {
        const Node& limit = body.node(body.producer(inner.inputs[1]));
        if (limit.op != Op::constant) return {};
        found.limit = limit.attrs.get<Tensor>("value").item<double>();
        break;
      }
      case Op::batch_norm_grad:
        found.node = &inner;
        found.beta = kBeta;
        break;
      default:
        return {};
    }
  }
  return found;
}

Graph fuse_norm_gates(const Graph& graph) {
  const Matcher matcher(graph);
  return rewrite(
      graph, [&](RewriteArgs& r) -> std::optional<std::vector<Value>> {
        if (const auto gate = matcher.match(r.node)) return fused(*gate, r);
        return {};
      });
}

}  // namespace keratin::cpu
