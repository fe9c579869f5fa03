#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/backends/cpu/compute_in_float.hpp"
#include "src/backends/cpu/epilogue.hpp"
#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/onednn.hpp"
#include "src/backends/cpu/packed_operand.hpp"
#include "src/backends/cpu/tile_matmul.hpp"
#include "src/backends/cpu/tuning.hpp"
#include "src/core/log.hpp"

namespace keratin::cpu {

namespace {

using Dims = dnnl::memory::dims;
using Desc = dnnl::memory::desc;

/// A matmul as oneDNN sees it: all operands of the rank of the result.
struct Product {
  Desc a, b, c;
  Dims a_dims, b_dims, c_dims;
  DType dtype = DType::f32;  // of all three
  bool batched = false;
  double flops = 0;
  Epilogue epilogue;
};

Desc operand_desc(
    const ValueType& type, bool transposed, std::size_t rank, Dims* dims_out) {
  const Shape& shape = type.shape;
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
  return strided_desc(dims, strides, type.dtype);
}

// `node` is the matmul or the fused node that begins with it.
Product product_of(const Graph& graph, const Node& node, const Stem& stem) {
  const ValueType& a = graph.type(node.inputs[0]);
  const ValueType& b = graph.type(node.inputs[1]);
  const ValueType& c = graph.type(node.outputs[0]);
  const std::size_t rank = c.shape.rank();
  Product product;
  product.dtype = c.dtype;
  product.a = operand_desc(
      a, stem.node->attrs.flag("transpose_a"), rank, &product.a_dims);
  product.b = operand_desc(
      b, stem.node->attrs.flag("transpose_b"), rank, &product.b_dims);
  product.c = operand_desc(c, false, rank, &product.c_dims);
  product.epilogue = stem.epilogue;
  product.batched = rank > 2;
  product.flops = 2.0 * static_cast<double>(c.shape.size()) *
                  static_cast<double>(product.a_dims.back());
  return product;
}

std::unique_ptr<Sequence> make_sequence(
    const Product& product, bool any_a, bool any_b, bool pack_b) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attr.set_post_ops(product.epilogue.post_ops());
  Desc bias;
  if (product.epilogue.bias >= 0) {
    const std::size_t rank = product.c_dims.size();
    Dims dims(rank, 1);
    dims.back() = product.c_dims.back();
    Dims strides(rank, dims.back());
    strides.back() = 1;
    bias = strided_desc(dims, strides);
  }
  const Desc a = any_a ? any_desc(product.a_dims, product.dtype) : product.a;
  const Desc b = any_b ? any_desc(product.b_dims, product.dtype) : product.b;
  dnnl::matmul::primitive_desc descriptor;
  try {
    descriptor = {
        dnnl::matmul::desc(a, b, bias, product.c), attr, onednn_engine()};
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
  std::vector<Argument> arguments = {
      {DNNL_ARG_SRC, descriptor.src_desc(), a_slot},
      {DNNL_ARG_WEIGHTS, descriptor.weights_desc(), b_slot},
      {DNNL_ARG_DST, product.c, Sequence::output(0)}};
  if (product.epilogue.bias >= 0) {
    arguments.push_back(
        {DNNL_ARG_BIAS, bias, Sequence::input(product.epilogue.bias)});
  }
  sequence->add(
      dnnl::matmul(descriptor),
      std::move(arguments),
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
      const host::KernelFactory& factory, const Graph& graph, const Node& node)
      : b_(factory, graph, node.inputs[1]) {
    const Stem stem = stem_of(node);
    const Product product = product_of(graph, node, stem);
    const bool pack = b_.fixed();
    const ValueType& a = graph.type(node.inputs[0]);
    const ValueType& b = graph.type(node.inputs[1]);
    const ValueType& c = graph.type(node.outputs[0]);
    const bool t_a = stem.node->attrs.flag("transpose_a");
    const bool t_b = stem.node->attrs.flag("transpose_b");
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
    std::vector<std::int64_t> input_bytes;
    for (const ValueId id : node.inputs) {
      input_bytes.push_back(graph.type(id).size_bytes());
    }
    sequence_ = fastest(
        factory.options(),
        {work_name(a.shape, t_a, b.shape, t_b) + product.epilogue.str() +
             (pack ? " packed" : "") +
             (c.dtype == DType::f32 ? "" : keratin::format(" {}", c.dtype)),
         a.shape[0]},
        candidates,
        input_bytes,
        {c.size_bytes()},
        product.flops < 2e6);
  }

  std::int64_t scratch_bytes() const override {
    return sequence_->scratch_bytes();
  }

  void bind(const host::Binding& binding) override {
    sequence_->bind(binding);
    b_.bind(binding.inputs[1].data);
  }

  std::string details() const override { return sequence_->details(); }

  void renew() override { b_.forget(); }

  void run() override {
    if (sequence_->has_packing()) b_.update([this] { sequence_->pack(); });
    sequence_->run();
  }

 private:
  std::unique_ptr<Sequence> sequence_;
  PackedOperand b_;
};

Support supports(const Graph& graph, const Node& node) {
  const Stem stem = stem_of(node);
  if (stem.node == nullptr || stem.node->op != Op::matmul) {
    return Support::no("");
  }
  const ValueType& c = graph.type(node.outputs[0]);
  const bool bfloat16 = c.dtype == DType::bf16 && multiplies_bfloat16();
  if (c.dtype != DType::f32 && !bfloat16) {
    return Support::no(keratin::format("takes no {}", c.dtype));
  }
  if (c.shape.rank() > DNNL_MAX_NDIMS) return Support::no("too many axes");
  if (c.shape.size() == 0 || graph.type(node.inputs[0]).shape.size() == 0) {
    return Support::no("nothing to multiply");
  }
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory& factory, const Graph& graph, const Node& node) {
  if (auto kernel = make_tile_matmul(factory, graph, node)) return kernel;
  return std::make_unique<MatmulKernel>(factory, graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::matmul_kernels() {
  return {{"onednn.matmul", supports, make}};
}

}  // namespace keratin::cpu
