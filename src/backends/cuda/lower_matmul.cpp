// Matrix products: by cuBLASLt, one call for every run of batches with one
// step; by plain loops for integers.

#include <algorithm>
#include <numeric>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/backends/cuda/libraries.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"

namespace keratin::cuda {

namespace {

Shape leading(const Shape& shape) {
  return Shape(Ints(shape.begin(), shape.end() - 2));
}

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

// Batches as loops, outermost first, that run as one where all operands agree.
struct Batches {
  std::vector<std::int64_t> dims;
  std::vector<std::int64_t> a;  // steps, in matrices
  std::vector<std::int64_t> b;

  Batches(const Shape& batch, const Shape& a_batch, const Shape& b_batch) {
    const auto a_steps = broadcast_strides(a_batch, batch);
    const auto b_steps = broadcast_strides(b_batch, batch);
    for (std::size_t i = 0; i < batch.rank(); ++i) {
      if (batch[i] == 1) continue;
      const bool merges = !dims.empty() && a.back() == a_steps[i] * batch[i] &&
                          b.back() == b_steps[i] * batch[i];
      if (merges) {
        dims.back() *= batch[i];
        a.back() = a_steps[i];
        b.back() = b_steps[i];
      } else {
        dims.push_back(batch[i]);
        a.push_back(a_steps[i]);
        b.push_back(b_steps[i]);
      }
    }
  }
};

struct Product {
  MatmulSpec spec;
  Batches batches;
};

// The spec of the innermost run of batches.
Product product_of(const Graph& graph, const Node& node) {
  const Shape& a = graph.type(node.inputs[0]).shape;
  const Shape& b = graph.type(node.inputs[1]).shape;
  const Shape& y = graph.type(node.outputs[0]).shape;
  MatmulSpec spec;
  spec.dtype = graph.type(node.outputs[0]).dtype;
  spec.transpose_a = node.attrs.flag("transpose_a");
  spec.transpose_b = node.attrs.flag("transpose_b");
  spec.m = y[y.rank() - 2];
  spec.n = y.back();
  spec.k = spec.transpose_a ? a[a.rank() - 2] : a.back();
  Batches batches(leading(y), leading(a), leading(b));
  if (!batches.dims.empty()) {
    spec.batches = batches.dims.back();
    spec.a_step = batches.a.back() * spec.m * spec.k;
    spec.b_step = batches.b.back() * spec.k * spec.n;
    // One matrix b for all rows of all batches: one tall product.
    if (spec.b_step == 0 && !spec.transpose_a &&
        spec.a_step == spec.m * spec.k) {
      spec.m *= spec.batches;
      spec.batches = 1;
      spec.a_step = 0;
    }
  }
  return {spec, std::move(batches)};
}

Lowering lower_plain_matmul(const LowerArgs& args) {
  const Shape& a = args.in(0).shape;
  const Shape& b = args.in(1).shape;
  const Shape& y = args.out().shape;
  const Shape batch = leading(y);
  const bool transpose_a = args.node.attrs.flag("transpose_a");
  const std::int64_t k = transpose_a ? a[a.rank() - 2] : a.back();
  const auto kernel = make_kernel(
      "matmul",
      product_family(),
      "namespace $(NAME)_ {\n" +
          index_functor(
              "A", batch.dims(), broadcast_strides(leading(a), batch)) +
          index_functor(
              "B", batch.dims(), broadcast_strides(leading(b), batch)) +
          "}\n" +
          fill_in(
              R"(KT_KERNEL(256) $(NAME)(const $(T)* a, const $(T)* b, $(T)* y) {
  plain_matmul(a, b, y, $(BATCHES), $(M), $(N), $(K), $(TA), $(TB),
               $(NAME)_::A(), $(NAME)_::B());
}
)",
              {{"T", kernel_type(args.out().dtype)},
               {"BATCHES", std::to_string(batch.size())},
               {"M", std::to_string(y[y.rank() - 2])},
               {"N", std::to_string(y.back())},
               {"K", std::to_string(k)},
               {"TA", transpose_a ? "true" : "false"},
               {"TB",
                args.node.attrs.flag("transpose_b") ? "true" : "false"}}));
  const std::int64_t n = y.size();
  const std::int64_t blocks = args.target.blocks(n, 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > 0) at.launch(kernel, blocks, {at.in[0], at.in[1], at.out[0]});
  };
  return lowering;
}

}  // namespace

namespace {

// What an outer loop over batches adds to the addresses, in bytes.
struct Offsets {
  std::int64_t a = 0;
  std::int64_t b = 0;
  std::int64_t y = 0;
};

// The outer loops, unrolled.
std::vector<Offsets> outer_batches(
    const Batches& batches,
    std::int64_t a_bytes,
    std::int64_t b_bytes,
    std::int64_t y_bytes) {
  std::vector<Offsets> all = {{}};
  for (std::size_t d = 0; d + 1 < batches.dims.size(); ++d) {
    std::int64_t inner = 1;
    for (std::size_t e = d + 1; e < batches.dims.size(); ++e) {
      inner *= batches.dims[e];
    }
    std::vector<Offsets> next;
    for (const Offsets& from : all) {
      for (std::int64_t i = 0; i < batches.dims[d]; ++i) {
        next.push_back(
            {from.a + i * batches.a[d] * a_bytes,
             from.b + i * batches.b[d] * b_bytes,
             from.y + i * inner * y_bytes});
      }
    }
    all = std::move(next);
  }
  return all;
}

}  // namespace

Lowering lower_matmul(const LowerArgs& args) {
  const ValueType& y = args.out();
  const std::int64_t bytes = y.size_bytes();
  Product product = product_of(args.graph, args.node);
  if (y.shape.size() == 0 || product.spec.k == 0) {
    Lowering lowering;  // sums of nothing
    lowering.emit = [bytes](Emission& at) { at.zero(at.out[0], bytes); };
    return lowering;
  }
  const auto element = static_cast<std::int64_t>(size_of(y.dtype));
  const std::int64_t m = y.shape[y.shape.rank() - 2];
  const std::int64_t n = product.spec.n;
  const std::int64_t k = product.spec.k;
  const std::vector<Offsets> all = outer_batches(
      product.batches, m * k * element, k * n * element, m * n * element);
  // Operands themselves lie on 16 bytes at least.
  for (const Offsets& offsets : all) {
    for (const std::int64_t offset : {offsets.a, offsets.b, offsets.y}) {
      product.spec.alignment = std::gcd(product.spec.alignment, offset);
    }
  }
  std::optional<MatmulPlan> plan;
  if (args.target.matmul != nullptr && is_floating(y.dtype)) {
    plan = args.target.matmul->plan(product.spec);
  }
  if (!plan) return lower_plain_matmul(args);
  Lowering lowering;
  lowering.scratch_bytes = plan->scratch_bytes;
  lowering.emit = [call = plan->call, all](Emission& at) {
    for (const Offsets& offsets : all) {
      at.call(
          call,
          {at.in[0].plus(offsets.a),
           at.in[1].plus(offsets.b),
           at.out[0].plus(offsets.y),
           at.scratch});
    }
  };
  return lowering;
}

Lowering lower_product(const LowerArgs& args) {
  const Graph& body = args.node.attrs.graph("body");
  const Node* matmul = nullptr;
  bool relu = false;
  for (const Node& node : body.nodes()) {
    if (node.op == Op::matmul) matmul = &node;
    if (node.op == Op::relu) relu = true;
  }
  KERATIN_CHECK(matmul != nullptr, "{} has no product", op_name(args.node.op));
  Product product = product_of(body, *matmul);
  product.spec.epilogue = relu ? Epilogue::relu_bias : Epilogue::bias;
  std::optional<MatmulPlan> plan;
  if (args.target.matmul != nullptr && product.spec.k > 0 &&
      product.spec.batches == 1 && product.batches.dims.size() <= 1) {
    plan = args.target.matmul->plan(product.spec);
  }
  if (!plan) return lower_inlined(args, "body");
  Lowering lowering;
  lowering.scratch_bytes = plan->scratch_bytes;
  lowering.emit = [call = plan->call](Emission& at) {
    at.call(call, {at.in[0], at.in[1], at.out[0], at.scratch, at.in[2]});
  };
  return lowering;
}

}  // namespace keratin::cuda
