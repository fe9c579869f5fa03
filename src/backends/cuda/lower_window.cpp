// Pooling, and convolution by cuDNN where it takes it, else by plain loops.

#include <algorithm>
#include <array>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/backends/cuda/libraries.hpp"
#include "src/backends/cuda/lowering.hpp"
#include "src/core/format.hpp"

namespace keratin::cuda {

namespace {

// The window of a node as a Window of the kernels: three spatial axes.
std::string window_text(
    const LowerArgs& args, const Shape& x, const Ints& kernel, const Shape& y) {
  const Attrs& attrs = args.node.attrs;
  const std::size_t spatial = x.rank() - 2;
  std::array<std::array<std::int64_t, 3>, 6> axes{{
      {1, 1, 1},  // x
      {1, 1, 1},  // y
      {1, 1, 1},  // kernel
      {1, 1, 1},  // stride
      {0, 0, 0},  // padding
      {1, 1, 1},  // dilation
  }};
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::size_t d = 3 - spatial + i;
    axes[0][d] = x[i + 1];
    axes[1][d] = y[i + 1];
    axes[2][d] = kernel[i];
    axes[3][d] = attrs.ints("strides")[i];
    axes[4][d] = attrs.ints("pad_low")[i];
    axes[5][d] = attrs.ints("dilation")[i];
  }
  const Attr* groups = attrs.find("groups");
  std::string text = keratin::format(
      "{{{}, {}, {}, {}",
      x[0],
      x.back(),
      y.back(),
      groups != nullptr ? std::get<std::int64_t>(*groups) : 1);
  for (const auto& axis : axes) {
    text += keratin::format(", {}, {}, {}", axis[0], axis[1], axis[2]);
  }
  return text + "}";
}

Ints kernel_of(const Shape& w) {
  return Ints(w.begin(), w.end() - 2);
}

// What the operands and the result of a convolution or its gradients are.
struct ConvShapes {
  const Shape& x;
  const Shape& w;
  const Shape& y;
};

ConvShapes conv_shapes(const LowerArgs& args) {
  switch (args.node.op) {
    case Op::conv_backward_data:
      return {args.out().shape, args.in(1).shape, args.in(0).shape};
    case Op::conv_backward_weights:
      return {args.in(0).shape, args.out().shape, args.in(1).shape};
    default:
      return {args.in(0).shape, args.in(1).shape, args.out().shape};
  }
}

Lowering lower_plain_conv(const LowerArgs& args, const ConvShapes& shapes) {
  const bool weights = args.node.op == Op::conv_backward_weights;
  const bool data = args.node.op == Op::conv_backward_data;
  const auto kernel = make_kernel(
      op_name(args.node.op),
      window_family(),
      fill_in(
          R"(KT_KERNEL(256) $(NAME)(const $(T)* a, const $(T)* b, $(T)* result) {
  const Window w = $(W);
  plain_conv$(KIND)(a, b, result, w);
}
)",
          {{"T", kernel_type(args.out().dtype)},
           {"KIND",
            weights ? "_weights"
            : data  ? "_data"
                    : ""},
           {"W", window_text(args, shapes.x, kernel_of(shapes.w), shapes.y)}}));
  const std::int64_t n = args.out().shape.size();
  const std::int64_t blocks = args.target.blocks(n, weights ? 1 : 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > 0) at.launch(kernel, blocks, {at.in[0], at.in[1], at.out[0]});
  };
  return lowering;
}

}  // namespace

Lowering lower_conv(const LowerArgs& args) {
  const ConvShapes shapes = conv_shapes(args);
  if (args.target.convolution != nullptr) {
    if (auto lowering = args.target.convolution->lower(args)) return *lowering;
  }
  return lower_plain_conv(args, shapes);
}

Lowering lower_pool(const LowerArgs& args) {
  const Op op = args.node.op;
  const bool max = op == Op::max_pool || op == Op::max_pool_grad;
  const bool gradient = op == Op::max_pool_grad || op == Op::average_pool_grad;
  const Shape& x =
      op == Op::average_pool_grad ? args.out().shape : args.in(0).shape;
  const Shape& y = op == Op::max_pool_grad       ? args.in(1).shape
                   : op == Op::average_pool_grad ? args.in(0).shape
                                                 : args.out().shape;
  const bool two = op == Op::max_pool_grad;
  const auto kernel = make_kernel(
      op_name(op),
      window_family(),
      fill_in(
          two ? R"(KT_KERNEL(256) $(NAME)(const $(T)* x, const $(T)* dy, $(T)* dx) {
  const Window w = $(W);
  max_pool_grad(x, dy, dx, w);
}
)"
              : R"(KT_KERNEL(256) $(NAME)(const $(T)* x, $(T)* y) {
  const Window w = $(W);
  $(KIND)_pool$(GRAD)(x, y, w);
}
)",
          {{"T", kernel_type(args.out().dtype)},
           {"KIND", max ? "max" : "average"},
           {"GRAD", gradient ? "_grad" : ""},
           {"W", window_text(args, x, args.node.attrs.ints("size"), y)}}));
  const std::int64_t n = args.out().shape.size();
  const std::int64_t blocks = args.target.blocks(n, 256);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n == 0) return;
    if (two) {
      at.launch(kernel, blocks, {at.in[0], at.in[1], at.out[0]});
    } else {
      at.launch(kernel, blocks, {at.in[0], at.out[0]});
    }
  };
  return lowering;
}

}  // namespace keratin::cuda
