#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/onednn.hpp"
#include "src/backends/cpu/tuning.hpp"
#include "src/core/log.hpp"
#include "src/ir/variable_state.hpp"

namespace keratin::cpu {

namespace {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

/// A matmul as oneDNN sees it: all operands of the rank of the result.
struct Product {
  Desc a, b, c;
  Dims a_dims, b_dims;
  bool batched = false;
  double flops = 0;
};

Desc operand_desc(
    const Shape& shape, bool transposed, std::size_t rank, Dims* dims_out) {
  Dims dims(rank, 1);
  Dims strides(rank, 1);
  const std::vector<std::int64_t> own = shape.strides();
  const std::size_t lead = rank - shape.rank();
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    dims[lead + i] = shape[i];
    strides[lead + i] = own[i];
  }
  for (std::size_t i = 0; i < lead; ++i) strides[i] = shape.size();
  if (transposed) {
    std::swap(dims[rank - 1], dims[rank - 2]);
    std::swap(strides[rank - 1], strides[rank - 2]);
  }
  *dims_out = dims;
  return strided_desc(dims, strides);
}

Product product_of(const Graph& graph, const Node& node) {
  const Shape& a = graph.type(node.inputs[0]).shape;
  const Shape& b = graph.type(node.inputs[1]).shape;
  const Shape& c = graph.type(node.outputs[0]).shape;
  Product product;
  product.a = operand_desc(
      a, node.attrs.flag("transpose_a"), c.rank(), &product.a_dims);
  product.b = operand_desc(
      b, node.attrs.flag("transpose_b"), c.rank(), &product.b_dims);
  Dims c_dims;
  product.c = operand_desc(c, false, c.rank(), &c_dims);
  product.batched = c.rank() > 2;
  product.flops = 2.0 * static_cast<double>(c.size()) *
                  static_cast<double>(product.a_dims.back());
  return product;
}

// What holds an operand that keeps its value between runs: a constant, or a
// variable that the program reads and never assigns.
struct Source {
  bool fixed = false;
  Variable variable;  // empty for a constant
};

Source source_of(const Graph& graph, ValueId id) {
  const Node& producer = graph.node(graph.producer(id));
  if (producer.op == Op::constant) return {true, {}};
  if (producer.op != Op::read) return {};
  const Variable& variable = producer.attrs.get<Variable>("variable");
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::assign &&
        node.attrs.get<Variable>("variable") == variable) {
      return {};
    }
  }
  return {true, variable};
}

std::unique_ptr<Sequence> make_sequence(
    const Product& product, bool any_a, bool any_b, bool pack_b) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const Desc a = any_a ? any_desc(product.a_dims) : product.a;
  const Desc b = any_b ? any_desc(product.b_dims) : product.b;
  dnnl::matmul::primitive_desc descriptor;
  try {
    descriptor = {dnnl::matmul::desc(a, b, product.c), attr, onednn_engine()};
  } catch (const dnnl::error&) {
    return nullptr;
  }
  auto sequence = std::make_unique<Sequence>();
  const Slot a_slot =
      sequence->reordered(Sequence::input(0), product.a, descriptor.src_desc());
  const Slot b_slot =
      pack_b ? sequence->packed(
                   Sequence::input(1), product.b, descriptor.weights_desc())
             : sequence->reordered(
                   Sequence::input(1), product.b, descriptor.weights_desc());
  sequence->add(
      dnnl::matmul(descriptor),
      {{DNNL_ARG_SRC, descriptor.src_desc(), a_slot},
       {DNNL_ARG_WEIGHTS, descriptor.weights_desc(), b_slot},
       {DNNL_ARG_DST, product.c, Sequence::output(0)}},
      descriptor.scratchpad_desc());
  return sequence;
}

// "matmul (N, 784) (784, 512)". N is the first axis of a, which is the rows of
// the batch in a layer's forward pass and in both of its gradients: as rows of
// the result or, of two transposed activations, as what is summed over.
std::string work_name(const Shape& a, bool t_a, const Shape& b, bool t_b) {
  const bool summed = t_a && !t_b && b.rank() == 2 && a.rank() == 2;
  const auto text = [](const Shape& shape, bool of_batch) {
    std::string out = of_batch ? "N" : keratin::format("{}", shape[0]);
    for (std::size_t i = 1; i < shape.rank(); ++i) {
      out += keratin::format(", {}", shape[i]);
    }
    return "(" + out + ")";
  };
  return keratin::format(
      "matmul {}{} {}{}",
      text(a, true),
      t_a ? "T" : "",
      text(b, summed),
      t_b ? "T" : "");
}

class MatmulKernel final : public host::Kernel {
 public:
  MatmulKernel(
      const CompileOptions& options, const Graph& graph, const Node& node) {
    const Product product = product_of(graph, node);
    const Source source = source_of(graph, node.inputs[1]);
    variable_ = source.variable;
    const bool pack = source.fixed;
    const ValueType& a = graph.type(node.inputs[0]);
    const ValueType& b = graph.type(node.inputs[1]);
    const ValueType& c = graph.type(node.outputs[0]);
    const bool t_a = node.attrs.flag("transpose_a");
    const bool t_b = node.attrs.flag("transpose_b");
    std::vector<Candidate> candidates = {
        {"plain", [=] { return make_sequence(product, false, false, false); }}};
    if (!product.batched) {
      candidates.push_back({"packed b", [=] {
                              return make_sequence(product, false, true, pack);
                            }});
      if (t_a) {
        candidates.push_back(
            {"packed a",
             [=] { return make_sequence(product, true, false, false); }});
        candidates.push_back({"packed a and b", [=] {
                                return make_sequence(product, true, true, pack);
                              }});
      }
    }
    sequence_ = fastest(
        options,
        {work_name(a.shape, t_a, b.shape, t_b) + (pack ? " packed" : ""),
         a.shape[0]},
        candidates,
        {a.size_bytes(), b.size_bytes()},
        {c.size_bytes()},
        product.flops < 2e6);
  }

  std::int64_t scratch_bytes() const override {
    return sequence_->scratch_bytes();
  }

  void bind(const host::Binding& binding) override {
    sequence_->bind(binding);
    stale_ = true;
  }

  void run() override {
    if (sequence_->has_packing()) pack_if_stale();
    sequence_->run();
  }

 private:
  void pack_if_stale() {
    if (variable_) {
      const VariableState& state = variable_.state();
      const std::lock_guard lock(state.mutex);
      if (state.version != version_) stale_ = true;
      version_ = state.version;
    }
    if (stale_) sequence_->pack();
    stale_ = false;
  }

  std::unique_ptr<Sequence> sequence_;
  Variable variable_;  // the packed one, if any
  std::uint64_t version_ = 0;
  bool stale_ = true;
};

Support supports(const Graph& graph, const Node& node) {
  if (node.op != Op::matmul) return Support::no("");
  const ValueType& c = graph.type(node.outputs[0]);
  if (c.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", c.dtype));
  }
  if (c.shape.rank() > DNNL_MAX_NDIMS) return Support::no("too many axes");
  if (c.shape.size() == 0 || graph.type(node.inputs[0]).shape.size() == 0) {
    return Support::no("nothing to multiply");
  }
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory& factory, const Graph& graph, const Node& node) {
  return std::make_unique<MatmulKernel>(factory.options(), graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::matmul_kernels() {
  return {{"onednn.matmul", supports, make}};
}

}  // namespace keratin::cpu
