// Element-wise nodes and fused chains of them: one kernel that reads every
// operand once and writes every result once.
//
//   element(x0, x1, &y0)     the chain on one element of each
//   NAME(p0, p1, q0, n)      packs of V elements a thread, then the rest

#include <algorithm>
#include <cstring>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/backends/cuda/lowering.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/core/visit.hpp"
#include "src/ir/op_info.hpp"

namespace keratin::cuda {

namespace {

enum class Access { dense, scalar, strided, baked };

struct Operand {
  ValueType type;
  Access access = Access::dense;
  std::string literal;  // of a baked one
};

std::vector<std::int64_t> broadcast_strides(
    const Shape& operand, const Shape& shape) {
  const std::vector<std::int64_t> dense = operand.strides();
  std::vector<std::int64_t> strides(shape.rank(), 0);
  const std::size_t missing = shape.rank() - operand.rank();
  for (std::size_t i = 0; i < operand.rank(); ++i) {
    if (operand[i] != 1) strides[missing + i] = dense[i];
  }
  return strides;
}

// A constant of one element, as an expression of its kernel type.
std::string baked(const Tensor& value) {
  const std::string type = kernel_type(value.dtype());
  return visit_dtype(value.dtype(), [&](auto tag) -> std::string {
    using T = typename decltype(tag)::type;
    const T element = value.data<T>()[0];
    if constexpr (std::is_same_v<T, bool>) {
      return element ? "true" : "false";
    } else if constexpr (kIsFloating<T>) {
      const std::string wide = value.dtype() == DType::f64 ? "f64" : "f32";
      return keratin::format(
          "convert<{}>({})",
          type,
          literal(convert_element<double>(element), wide));
    } else {
      return keratin::format(
          "{}({}ull)", type, static_cast<std::uint64_t>(element));
    }
  });
}

Operand describe(const Graph& graph, ValueId id, const Shape& shape) {
  Operand operand{graph.type(id)};
  const Node& maker = graph.node(graph.producer(id));
  const std::int64_t size = operand.type.shape.size();
  if (maker.op == Op::constant && size == 1) {
    operand.access = Access::baked;
    operand.literal = baked(maker.attrs.get<Tensor>("value"));
  } else if (size == 1) {
    operand.access = Access::scalar;
  } else if (size != shape.size()) {
    operand.access = Access::strided;
  }
  return operand;
}

// One node as a statement that defines v<id>.
std::string statement(
    const Graph& graph,
    const Node& node,
    const std::vector<std::string>& names,
    const std::string& result) {
  const ValueType& type = graph.type(node.outputs[0]);
  std::string arguments;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const std::string& name = names[node.inputs[i]];
    if (i > 0) arguments += ", ";
    // What is tested is what would be stored.
    const DType dtype = graph.type(node.inputs[i]).dtype;
    const bool tested = node.op == Op::isfinite || node.op == Op::isnan;
    arguments += tested ? keratin::format(
                              "up(convert<{}>({}))", kernel_type(dtype), name)
                        : name;
  }
  std::string call;
  if (node.op == Op::cast) {
    call = keratin::format(
        "up(convert<{}>({}))", kernel_type(type.dtype), arguments);
  } else {
    call = keratin::format("op_{}({})", op_name(node.op), arguments);
  }
  return keratin::format(
      "  const {} {} = {};\n", compute_type(type.dtype), result, call);
}

// The statements of a node or of a fused node's body, and the names of the
// results. names: the operands'.
struct Chain {
  std::string statements;
  std::vector<std::string> results;
};

Chain chain_of(const Graph& graph, const Node& node) {
  Chain chain;
  if (node.op != Op::fused) {
    std::vector<std::string> names(graph.value_count());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      names[node.inputs[i]] = keratin::format("u{}", i);
    }
    // One value may be several operands.
    chain.statements = statement(graph, node, names, "v0");
    chain.results = {"v0"};
    return chain;
  }
  const Graph& body = node.attrs.graph("body");
  std::vector<std::string> names(body.value_count());
  for (std::size_t i = 0; i < body.parameters().size(); ++i) {
    names[body.parameters()[i]] = keratin::format("u{}", i);
  }
  int count = 0;
  for (const Node& inner : body.nodes()) {
    if (inner.op == Op::parameter) continue;
    KERATIN_CHECK(
        op_info(inner.op).elementwise, "{} in a fused body", op_name(inner.op));
    std::string& name = names[inner.outputs[0]];
    name = keratin::format("v{}", count++);
    chain.statements += statement(body, inner, names, name);
  }
  for (const ValueId id : body.outputs()) chain.results.push_back(names[id]);
  return chain;
}

// Elements a thread moves at once: 16 bytes of the widest, fewer where many
// operands would fill the registers.
int pack_of(const std::vector<Operand>& operands, const LowerArgs& args) {
  std::size_t widest = 1;
  int streams = 0;
  const auto count = [&](DType dtype) {
    widest = std::max(widest, size_of(dtype));
    ++streams;
  };
  for (const Operand& operand : operands) {
    if (operand.access == Access::dense) count(operand.type.dtype);
  }
  for (std::size_t i = 0; i < args.node.outputs.size(); ++i) {
    count(args.out(i).dtype);
  }
  int pack = std::min<int>(8, static_cast<int>(16 / widest));
  if (streams > 8) pack = std::min(pack, 4);
  if (streams > 16) pack = std::min(pack, 2);
  if (streams > 32) pack = 1;
  return pack;
}

class Writer {
 public:
  Writer(const LowerArgs& args, std::vector<Operand> operands)
      : args_(args), operands_(std::move(operands)) {}

  std::string text(const Shape& shape) {
    std::string all = "namespace $(NAME)_ {\n" + element();
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      if (operands_[i].access != Access::strided) continue;
      all += index_functor(
          keratin::format("At{}", i),
          shape.dims(),
          broadcast_strides(operands_[i].type.shape, shape));
    }
    return all + "}\n" + kernel();
  }

 private:
  std::string element() const {
    std::string parameters;
    std::string loads;
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      const std::string type = kernel_type(operands_[i].type.dtype);
      const std::string compute = compute_type(operands_[i].type.dtype);
      const bool is_baked = operands_[i].access == Access::baked;
      if (!is_baked) parameters += keratin::format("const {} x{}, ", type, i);
      loads += keratin::format(
          "  const {} u{} = up({});\n",
          compute,
          i,
          is_baked ? operands_[i].literal : keratin::format("x{}", i));
    }
    const Chain chain = chain_of(args_.graph, args_.node);
    std::string stores;
    for (std::size_t i = 0; i < chain.results.size(); ++i) {
      const std::string type = kernel_type(args_.out(i).dtype);
      parameters += keratin::format("{}* y{}, ", type, i);
      stores += keratin::format(
          "  *y{} = convert<{}>({});\n", i, type, chain.results[i]);
    }
    parameters.resize(parameters.size() - 2);
    return "KT_FN void element(" + parameters + ") {\n" + loads +
           chain.statements + stores + "}\n";
  }

  // The call of element() for one element; `lane` and `at` say which.
  std::string call(bool packed) const {
    std::string arguments;
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      switch (operands_[i].access) {
        case Access::baked:
          break;
        case Access::scalar:
          arguments += keratin::format("s{}, ", i);
          break;
        case Access::dense:
          arguments += packed ? keratin::format("a{}.at[j], ", i)
                              : keratin::format("p{}[i], ", i);
          break;
        case Access::strided:
          arguments += keratin::format("p{0}[$(NAME)_::At{0}()(i)], ", i);
          break;
      }
    }
    for (std::size_t i = 0; i < args_.node.outputs.size(); ++i) {
      arguments += packed ? keratin::format("&r{}.at[j], ", i)
                          : keratin::format("&q{}[i], ", i);
    }
    arguments.resize(arguments.size() - 2);
    return "$(NAME)_::element(" + arguments + ");\n";
  }

  std::string kernel() const {
    std::string parameters;
    std::string scalars;
    std::string loads;
    std::string stores;
    for (std::size_t i = 0; i < operands_.size(); ++i) {
      if (operands_[i].access == Access::baked) continue;
      const std::string type = kernel_type(operands_[i].type.dtype);
      parameters += keratin::format("const {}* p{}, ", type, i);
      if (operands_[i].access == Access::scalar) {
        scalars += keratin::format("  const {} s{} = p{}[0];\n", type, i, i);
      } else if (operands_[i].access == Access::dense) {
        loads += keratin::format(
            "    const Pack<{0}, V> a{1} = ((const Pack<{0}, "
            "V>*)p{1})[pack];\n",
            type,
            i);
      }
    }
    for (std::size_t i = 0; i < args_.node.outputs.size(); ++i) {
      const std::string type = kernel_type(args_.out(i).dtype);
      parameters += keratin::format("{}* q{}, ", type, i);
      loads += keratin::format("    Pack<{}, V> r{};\n", type, i);
      stores +=
          keratin::format("    ((Pack<{0}, V>*)q{1})[pack] = r{1};\n", type, i);
    }
    const int pack = pack_of(operands_, args_);
    if (pack == 1) {
      return "KT_KERNEL(256) $(NAME)(" + parameters + "i64 n) {\n" + scalars +
             "  for (i64 i = thread_number(); i < n; i += thread_count()) {\n"
             "    " +
             call(false) + "  }\n}\n";
    }
    return keratin::format(
               "KT_KERNEL(256) $(NAME)({}i64 n) {{\n"
               "  constexpr i32 V = {};\n",
               parameters,
               pack) +
           scalars +
           "  const i64 packs = n / V;\n"
           "  for (i64 pack = thread_number(); pack < packs; "
           "pack += thread_count()) {\n" +
           loads +
           "#pragma unroll\n"
           "    for (i32 j = 0; j < V; ++j) {\n"
           "      const i64 i = pack * V + j;\n"
           "      (void)i;\n      " +
           call(true) + "    }\n" + stores +
           "  }\n"
           "  for (i64 i = packs * V + thread_number(); i < n; "
           "i += thread_count()) {\n    " +
           call(false) + "  }\n}\n";
  }

  const LowerArgs& args_;
  std::vector<Operand> operands_;
};

}  // namespace

Lowering lower_elementwise(const LowerArgs& args) {
  const Shape& shape = args.out().shape;
  if (args.node.op == Op::cast && args.in().dtype == args.node.attrs.dtype()) {
    return lower_alias(args);
  }
  std::vector<Operand> operands;
  std::vector<bool> whole;
  std::vector<bool> passed;
  for (const ValueId id : args.node.inputs) {
    operands.push_back(describe(args.graph, id, shape));
    whole.push_back(operands.back().access == Access::dense);
    passed.push_back(operands.back().access != Access::baked);
  }
  const std::int64_t n = shape.size();
  const int pack = pack_of(operands, args);
  const auto kernel = make_kernel(
      op_name(args.node.op), {}, Writer(args, std::move(operands)).text(shape));
  Lowering lowering;
  lowering.can_overwrite = [whole](int operand, int) { return whole[operand]; };
  const std::int64_t blocks = args.target.blocks(n, 256 * pack);
  lowering.emit = [=](Emission& at) {
    if (n == 0) return;
    std::vector<Argument> arguments;
    for (std::size_t i = 0; i < passed.size(); ++i) {
      if (passed[i]) arguments.emplace_back(at.in[i]);
    }
    for (const Place& out : at.out) arguments.emplace_back(out);
    arguments.emplace_back(n);
    at.launch(kernel, blocks, std::move(arguments));
  };
  return lowering;
}

Lowering lower_alias(const LowerArgs& args) {
  const std::int64_t bytes = args.out().size_bytes();
  Lowering lowering;
  lowering.is_alias = true;
  lowering.can_overwrite = [](int, int) { return true; };
  lowering.emit = [bytes](Emission& at) {
    at.copy(at.out[0], at.in[0], bytes);
  };
  return lowering;
}

}  // namespace keratin::cuda
