// Ops that move elements without computing: one thread an element, which asks a
// generated function where it comes from and goes to.

#include <algorithm>

#include "src/backends/cuda/geometry.hpp"
#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"

namespace keratin::cuda {

namespace {

using Steps64 = std::vector<std::int64_t>;

// The type of any element of that size: nothing is computed.
std::string bits_type(DType dtype) {
  return keratin::format("u{}", 8 * size_of(dtype));
}

std::int64_t product(const Steps64& dims) {
  std::int64_t all = 1;
  for (const std::int64_t dim : dims) all *= dim;
  return all;
}

}  // namespace

std::shared_ptr<const KernelSource> strided_copy(
    std::string_view stem,
    DType dtype,
    const Steps64& dims,
    const Steps64& from,
    std::int64_t from_offset,
    const Steps64& to,
    std::int64_t to_offset) {
  return make_kernel(
      stem,
      {},
      "namespace $(NAME)_ {\n" +
          index_functor("From", dims, from, from_offset) +
          index_functor("To", dims, to, to_offset) + "}\n" +
          fill_in(
              R"(KT_KERNEL(256) $(NAME)(const $(T)* x, $(T)* y, i64 n) {
  for (i64 i = thread_number(); i < n; i += thread_count()) {
    y[$(NAME)_::To()(i)] = x[$(NAME)_::From()(i)];
  }
}
)",
              {{"T", bits_type(dtype)}}));
}

Lowering lower_gather(const LowerArgs& args) {
  const ValueType& x = args.in();
  const ValueType& y = args.out();
  const Node& node = args.node;
  const Steps64 dense = x.shape.strides();
  Steps64 steps = dense;
  std::int64_t offset = 0;
  switch (node.op) {
    case Op::transpose:
      for (std::size_t i = 0; i < steps.size(); ++i) {
        steps[i] = dense[node.attrs.ints("permutation")[i]];
      }
      break;
    case Op::broadcast_to: {
      const std::size_t missing = y.shape.rank() - x.shape.rank();
      steps.assign(y.shape.rank(), 0);
      for (std::size_t i = 0; i < x.shape.rank(); ++i) {
        if (x.shape[i] != 1) steps[missing + i] = dense[i];
      }
      break;
    }
    case Op::slice:
      for (std::size_t i = 0; i < steps.size(); ++i) {
        offset += node.attrs.ints("start")[i] * dense[i];
        steps[i] *= node.attrs.ints("step")[i];
      }
      break;
    case Op::reverse:
      for (const std::int64_t axis : node.attrs.ints("axes")) {
        offset += (x.shape[axis] - 1) * dense[axis];
        steps[axis] = -dense[axis];
      }
      break;
    default:
      KERATIN_UNREACHABLE();
  }
  const std::int64_t n = y.shape.size();
  const auto kernel = strided_copy(
      op_name(node.op),
      x.dtype,
      y.shape.dims(),
      steps,
      offset,
      y.shape.strides(),
      0);
  const std::int64_t blocks = args.target.blocks(n, 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > 0) at.launch(kernel, blocks, {at.in[0], at.out[0], n});
  };
  return lowering;
}

Lowering lower_concatenate(const LowerArgs& args) {
  const ValueType& y = args.out();
  const auto axis = static_cast<std::size_t>(args.node.attrs.integer("axis"));
  const Steps64 to = y.shape.strides();

  struct Part {
    std::shared_ptr<const KernelSource> kernel;
    std::int64_t n;
    std::int64_t blocks;
  };

  std::vector<Part> parts;
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < args.node.inputs.size(); ++i) {
    const Shape& x = args.in(i).shape;
    parts.push_back(
        {strided_copy(
             "concatenate", y.dtype, x.dims(), x.strides(), 0, to, offset),
         x.size(),
         args.target.blocks(x.size(), 256)});
    offset += x[axis] * to[axis];
  }
  Lowering lowering;
  lowering.emit = [parts](Emission& at) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Part& part = parts[i];
      if (part.n == 0) continue;
      at.launch(part.kernel, part.blocks, {at.in[i], at.out[0], part.n});
    }
  };
  return lowering;
}

Lowering lower_pad(const LowerArgs& args) {
  const ValueType& x = args.in();
  const ValueType& y = args.out();
  const Steps64 from = x.shape.strides();
  const Steps64 to = y.shape.strides();
  Steps64 dims;
  std::int64_t from_offset = 0;
  std::int64_t to_offset = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::int64_t low = args.node.attrs.ints("low")[i];
    const std::int64_t high = args.node.attrs.ints("high")[i];
    // Negative amounts crop.
    const std::int64_t begin = std::max<std::int64_t>(0, -low);
    const std::int64_t end = x.shape[i] - std::max<std::int64_t>(0, -high);
    dims.push_back(std::max<std::int64_t>(0, end - begin));
    from_offset += begin * from[i];
    to_offset += std::max<std::int64_t>(0, low) * to[i];
  }
  const auto fill = make_kernel(
      "pad_fill",
      {},
      fill_in(
          R"(KT_KERNEL(256) $(NAME)($(T)* y, i64 n) {
  const $(T) value = convert<$(T)>($(VALUE));
  for (i64 i = thread_number(); i < n; i += thread_count()) y[i] = value;
}
)",
          {{"T", kernel_type(y.dtype)},
           {"VALUE", literal(args.node.attrs.number("value"), "f64")}}));
  const auto inside =
      strided_copy("pad_copy", x.dtype, dims, from, from_offset, to, to_offset);
  const std::int64_t n = y.shape.size();
  const std::int64_t m = product(dims);
  const std::int64_t fill_blocks = args.target.blocks(n, 256);
  const std::int64_t blocks = args.target.blocks(m, 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > m) at.launch(fill, fill_blocks, {at.out[0], n});
    if (m > 0) at.launch(inside, blocks, {at.in[0], at.out[0], m});
  };
  return lowering;
}

Lowering lower_iota(const LowerArgs& args) {
  const ValueType& y = args.out();
  const AxisView axis(y.shape, args.node.attrs.integer("axis"));
  const auto kernel = make_kernel(
      "iota",
      {},
      fill_in(
          R"(KT_KERNEL(256) $(NAME)($(T)* y, i64 n) {
  for (i64 i = thread_number(); i < n; i += thread_count()) {
    y[i] = convert<$(T)>(i / $(INNER) % $(SIZE));
  }
}
)",
          {{"T", kernel_type(y.dtype)},
           {"INNER", std::to_string(std::max<std::int64_t>(1, axis.inner))},
           {"SIZE", std::to_string(std::max<std::int64_t>(1, axis.size))}}));
  const std::int64_t n = y.shape.size();
  const std::int64_t blocks = args.target.blocks(n, 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > 0) at.launch(kernel, blocks, {at.out[0], n});
  };
  return lowering;
}

}  // namespace keratin::cuda
