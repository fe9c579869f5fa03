#include "src/backends/cpu/compute_in_float.hpp"

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "src/core/cpu_features.hpp"
#include "src/ir/rewriter.hpp"

namespace keratin::cpu {

namespace {

bool is_product(Op op) {
  return op == Op::matmul || op == Op::conv || op == Op::conv_backward_data ||
         op == Op::conv_backward_weights;
}

/// Whether the op takes bfloat16 as it is: it moves values, or runs others.
bool stays(Op op, bool native) {
  switch (op) {
    case Op::parameter:
    case Op::constant:
    case Op::read:
    case Op::assign:
    case Op::cast:
    case Op::stop_gradient:
    case Op::reshape:
    case Op::transpose:
    case Op::broadcast_to:
    case Op::concatenate:
    case Op::slice:
    case Op::pad:
    case Op::reverse:
    case Op::scan:
    case Op::cond:
    case Op::while_loop:
    case Op::fused:
      return true;
    default:
      return native && is_product(op);
  }
}

bool has_bfloat16(const Graph& graph, const std::vector<ValueId>& ids) {
  return std::any_of(ids.begin(), ids.end(), [&](ValueId id) {
    return graph.type(id).dtype == DType::bf16;
  });
}

Attrs in_float(const Attrs& attrs) {
  Attrs result = attrs;
  for (const auto& [name, attr] : attrs.entries()) {
    const auto* dtype = std::get_if<DType>(&attr);
    if (dtype != nullptr && *dtype == DType::bf16) result.set(name, DType::f32);
  }
  return result;
}

Value cast(Graph& graph, const Value& value, DType dtype) {
  return graph.add1(Op::cast, {value}, {{"dtype", dtype}});
}

}  // namespace

bool multiplies_bfloat16() {
  const CpuFeatures& features = cpu_features();
  return features.has("avx512_bf16") ||
         (features.has("amx_bf16") && !features.amx_palette_missing);
}

Graph compute_in_float(const Graph& graph, bool native) {
  return rewrite(
      graph, [&](RewriteArgs& r) -> std::optional<std::vector<Value>> {
        if (stays(r.node.op, native)) return {};
        if (!has_bfloat16(graph, r.node.inputs) &&
            !has_bfloat16(graph, r.node.outputs)) {
          return {};
        }
        std::vector<Value> operands = r.inputs;
        for (Value& operand : operands) {
          if (operand.dtype() == DType::bf16) {
            operand = cast(r.to, operand, DType::f32);
          }
        }
        std::vector<Value> results =
            r.to.add(r.node.op, operands, in_float(r.node.attrs));
        for (std::size_t i = 0; i < results.size(); ++i) {
          const DType dtype = graph.type(r.node.outputs[i]).dtype;
          if (results[i].dtype() != dtype) {
            results[i] = cast(r.to, results[i], dtype);
          }
        }
        return results;
      });
}

}  // namespace keratin::cpu
