// Keras's operations of neural networks that are not element-wise.

#include <cmath>

#include "layers/base/operation_table.hpp"
#include "layers/functions/activation_functions.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using Results = std::vector<Value>;

constexpr const char* kAxis = R"({"axis": -1})";

/// f along an axis, or over all elements without one.
template <Value (*f)(const Value& x, std::int64_t axis)>
Results along(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  if (call.argument("axis").is_int()) return {f(x, call.integer("axis"))};
  if (call.given("axis")) call.fail("axis: expected one axis");
  return {ops::reshape(f(ops::reshape(x, {kUnknown}), 0), x.shape())};
}

/// A function of the last axis along another one.
template <const char* const& name>
Results along_last(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  const auto axis = static_cast<std::size_t>(call.axis("axis", x));
  const Value y =
      activation_functions::find(name)->function(layers::axis_to_last(x, axis));
  return {layers::axis_from_last(y, axis)};
}

constexpr const char* kGlu = "glu";
constexpr const char* kSparsemax = "sparsemax";

Results normalize(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  if (call.number("order") != 2) call.fail("order: expected 2");
  const double epsilon = call.given("epsilon") ? call.number("epsilon") : 1e-7;
  const Value squares = ops::sum(ops::square(x), call.ints("axis"), true);
  return {x * ops::rsqrt(ops::maximum(squares, epsilon * epsilon))};
}

Results one_hot(const OperationCall& call) {
  call.expect_operands(1);
  if (call.flag("sparse")) call.fail("sparse: expected false");
  const Value indices = call.tensor();
  const DType dtype = call.given("dtype") ? call.dtype() : DType::f32;
  const Value last = ops::one_hot(indices, call.integer("num_classes"), dtype);
  // The axis is one of the result.
  return {layers::axis_from_last(
      last, static_cast<std::size_t>(call.axis("axis", last)))};
}

// -- windows
// ---------------------------------------------------------------------

/// What windows are laid over: the tensor with its channels last.
struct Windowed {
  Value x;
  bool channels_first = false;
  ops::Ints spatial;

  Value finish(const Value& y) const {
    return channels_first ? layers::channels_to_first(y) : y;
  }
};

Windowed windowed(const OperationCall& call) {
  Windowed out;
  out.x = call.floating();
  if (out.x.rank() < 3) {
    call.fail(format("expected rank >= 3, got {}", out.x.shape()));
  }
  out.channels_first =
      call.given("data_format") && call.text("data_format") == "channels_first";
  if (out.channels_first) out.x = layers::channels_to_last(out.x);
  const auto& dims = out.x.shape().dims();
  out.spatial.assign(dims.begin() + 1, dims.end() - 1);
  return out;
}

/// One number for each spatial axis.
ops::Ints per_axis(
    const OperationCall& call,
    std::string_view name,
    const ops::Ints& given,
    std::size_t rank) {
  if (given.size() == rank) return given;
  if (given.size() == 1) return ops::Ints(rank, given[0]);
  call.fail(
      format("{}: expected {} numbers, got {}", name, rank, given.size()));
}

template <Value (*pool)(const Value&, const ops::Ints&, const ops::Window&)>
Results pooled(const OperationCall& call) {
  call.expect_operands(1);
  const Windowed in = windowed(call);
  const std::size_t rank = in.spatial.size();
  const ops::Ints size =
      per_axis(call, "pool_size", call.ints("pool_size"), rank);
  const ops::Ints strides =
      call.given("strides")
          ? per_axis(call, "strides", call.ints("strides"), rank)
          : size;
  const ops::Window window = ops::make_window(
      call.text("padding"), in.spatial, size, strides, ops::Ints(rank, 1));
  return {in.finish(pool(in.x, size, window))};
}

Results conv(const OperationCall& call) {
  call.expect_operands(2);
  const Windowed in = windowed(call);
  const std::size_t rank = in.spatial.size();
  const Value w = ops::cast(call.tensor(1), in.x.dtype());
  if (w.rank() != rank + 2) {
    call.fail(
        format("expected a kernel of rank {}, got {}", rank + 2, w.shape()));
  }
  const auto& dims = w.shape().dims();
  const ops::Ints kernel(dims.begin(), dims.end() - 2);
  const ops::Window window = ops::make_window(
      call.text("padding"),
      in.spatial,
      kernel,
      per_axis(call, "strides", call.ints("strides"), rank),
      per_axis(call, "dilation_rate", call.ints("dilation_rate"), rank));
  const std::int64_t per_group = dims[rank];
  const std::int64_t channels = in.x.shape().back();
  const std::int64_t groups = per_group == 0 ? 1 : channels / per_group;
  return {in.finish(ops::conv(in.x, w, window, groups))};
}

/// Each channel by kernels of its own: w is [kernel..., channels, multiplier].
Value each_channel(
    const OperationCall& call, const Windowed& in, const Value& kernel) {
  const std::size_t rank = in.spatial.size();
  const Value w = ops::cast(kernel, in.x.dtype());
  if (w.rank() != rank + 2 || w.shape()[rank] != in.x.shape().back()) {
    call.fail(format(
        "expected a kernel of rank {} for {} channels, got {}",
        rank + 2,
        in.x.shape().back(),
        w.shape()));
  }
  std::vector<std::int64_t> dims = w.shape().dims();
  const ops::Ints size(dims.begin(), dims.end() - 2);
  const std::int64_t channels = dims[rank];
  dims[rank] = 1;
  dims[rank + 1] *= channels;
  const ops::Window window = ops::make_window(
      call.text("padding"),
      in.spatial,
      size,
      per_axis(call, "strides", call.ints("strides"), rank),
      per_axis(call, "dilation_rate", call.ints("dilation_rate"), rank));
  return ops::conv(in.x, ops::reshape(w, Shape(dims)), window, channels);
}

Results depthwise_conv(const OperationCall& call) {
  call.expect_operands(2);
  const Windowed in = windowed(call);
  return {in.finish(each_channel(call, in, call.tensor(1)))};
}

Results separable_conv(const OperationCall& call) {
  call.expect_operands(3);
  const Windowed in = windowed(call);
  const Value y = each_channel(call, in, call.tensor(1));
  return {in.finish(ops::conv(y, ops::cast(call.tensor(2), y.dtype())))};
}

// -- patches as columns
// ---------------------------------------------------------------

/// One number for both axes, or one for each, within what memory may hold.
ops::Ints pair(
    const OperationCall& call, const char* name, std::int64_t least) {
  constexpr std::int64_t kMost = 1 << 20;
  const ops::Ints values = per_axis(call, name, call.ints(name), 2);
  for (const std::int64_t value : values) {
    if (value >= least && value <= kMost) continue;
    call.fail(
        format("{}: expected {} to {}, got {}", name, least, kMost, value));
  }
  return values;
}

/// A convolution whose filters pick one element of a patch each.
struct Patches {
  Value w;  // [rows, columns, channels, channels * rows * columns]
  ops::Window window;
};

Patches patches(const OperationCall& call, std::int64_t channels, DType dtype) {
  const ops::Ints size = pair(call, "kernel_size", 1);
  const ops::Ints margin = pair(call, "padding", 0);
  const std::int64_t filters = channels * size[0] * size[1];
  const Shape square{filters, filters};
  Graph& graph = call.graph();
  const Value one = ops::equal(
      ops::iota(graph, square, 0, DType::i32),
      ops::iota(graph, square, 1, DType::i32));
  const Value parts = ops::reshape(
      ops::cast(one, dtype), {channels, size[0], size[1], filters});
  Patches out;
  out.w = ops::transpose(parts, {1, 2, 0, 3});
  out.window.strides = pair(call, "stride", 1);
  out.window.dilation = pair(call, "dilation", 1);
  out.window.pad_low = margin;
  out.window.pad_high = margin;
  return out;
}

/// [n, c, h, w] -> [n, c * rows * columns, places]
Results unfold(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  if (x.rank() != 4) call.fail(format("expected rank 4, got {}", x.shape()));
  const Patches p = patches(call, x.shape()[1], x.dtype());
  const Value y = layers::channels_to_first(
      ops::conv(layers::channels_to_last(x), p.w, p.window));
  const Shape& s = y.shape();
  return {ops::reshape(y, {s[0], s[1], s[2] * s[3]})};
}

/// Back, where patches overlap their sum.
Results fold(const OperationCall& call) {
  call.expect_operands(1);
  const Value x = call.floating();
  const ops::Ints size = pair(call, "kernel_size", 1);
  const ops::Ints out = pair(call, "output_size", 1);
  const std::int64_t area = size[0] * size[1];
  if (x.rank() != 3 || area < 1 || x.shape()[1] % area != 0) {
    call.fail(format(
        "expected [n, c * {} * {}, places], got {}",
        size[0],
        size[1],
        x.shape()));
  }
  const std::int64_t channels = x.shape()[1] / area;
  const Patches p = patches(call, channels, x.dtype());
  const auto places = [&](std::size_t i) {
    const std::int64_t reach = p.window.dilation[i] * (size[i] - 1) + 1;
    return (out[i] + 2 * p.window.pad_low[i] - reach) / p.window.strides[i] + 1;
  };
  const Value y = layers::channels_to_last(
      ops::reshape(x, {x.shape()[0], x.shape()[1], places(0), places(1)}));
  return {layers::channels_to_first(ops::conv_backward_data(
      y, p.w, {x.shape()[0], out[0], out[1], channels}, p.window))};
}

// -- blocks of pixels as channels
// ----------------------------------------------

/// The size of blocks, and the picture with its channels last.
struct Blocks {
  std::int64_t size;
  Windowed in;

  std::int64_t extent(std::size_t axis) const { return in.x.shape()[axis]; }

  /// [n, a, b, c, d, e] with b and c exchanged, as [n, rows, columns,
  /// channels].
  Value moved(const Shape& parts, const Shape& whole) const {
    const Value x = ops::reshape(in.x, parts);
    return in.finish(
        ops::reshape(ops::transpose(x, {0, 1, 3, 2, 4, 5}), whole));
  }
};

Blocks blocks(const OperationCall& call) {
  call.expect_operands(1);
  if (call.tensor().rank() != 4) {
    call.fail(
        format("expected pictures of rank 4, got {}", call.tensor().shape()));
  }
  const std::int64_t size = call.integer("block_size");
  if (size < 1) call.fail(format("block_size: expected >= 1, got {}", size));
  return {size, windowed(call)};
}

Results depth_to_space(const OperationCall& call) {
  const Blocks b = blocks(call);
  const std::int64_t square = b.size * b.size;
  const std::int64_t channels = b.extent(3) / square;
  if (channels * square != b.extent(3)) {
    call.fail(format("expected {} to divide {} channels", square, b.extent(3)));
  }
  const std::int64_t rows = b.extent(1);
  const std::int64_t columns = b.extent(2);
  return {b.moved(
      {b.extent(0), rows, columns, b.size, b.size, channels},
      {b.extent(0), rows * b.size, columns * b.size, channels})};
}

Results space_to_depth(const OperationCall& call) {
  const Blocks b = blocks(call);
  const std::int64_t rows = b.extent(1) / b.size;
  const std::int64_t columns = b.extent(2) / b.size;
  const std::int64_t channels = b.extent(3);
  if (rows * b.size != b.extent(1) || columns * b.size != b.extent(2)) {
    call.fail(format(
        "expected {} to divide {} rows and {} columns",
        b.size,
        b.extent(1),
        b.extent(2)));
  }
  return {b.moved(
      {b.extent(0), rows, b.size, columns, b.size, channels},
      {b.extent(0), rows, columns, b.size * b.size * channels})};
}

constexpr const char* kBlocks =
    R"({"block_size": null, "data_format": "channels_last"})";
constexpr const char* kConv =
    R"({"strides": 1, "padding": "valid", "data_format": null,
        "dilation_rate": 1})";
constexpr const char* kUnfold =
    R"({"kernel_size": null, "dilation": 1, "padding": 0, "stride": 1})";
constexpr const char* kPool =
    R"({"pool_size": null, "strides": null, "padding": "valid",
        "data_format": null})";

constexpr Operation kOperations[] = {
    {"AveragePool", "nn", kPool, pooled<ops::average_pool>},
    {"Conv", "nn", kConv, conv},
    {"DepthToSpace", "nn", kBlocks, depth_to_space},
    {"DepthwiseConv", "nn", kConv, depthwise_conv},
    {"Fold",
     "nn",
     R"({"output_size": null, "kernel_size": null, "dilation": 1, "padding": 0,
         "stride": 1})",
     fold},
    {"Glu", "nn", kAxis, along_last<kGlu>},
    {"LogSoftmax", "nn", kAxis, along<ops::log_softmax>},
    {"MaxPool", "nn", kPool, pooled<ops::max_pool>},
    {"Normalize",
     "nn",
     R"({"axis": -1, "order": 2, "epsilon": null})",
     normalize},
    {"OneHot",
     "nn",
     R"({"num_classes": null, "axis": -1, "dtype": null, "sparse": false})",
     one_hot},
    {"SeparableConv", "nn", kConv, separable_conv},
    {"Softmax", "nn", kAxis, along<ops::softmax>},
    {"SpaceToDepth", "nn", kBlocks, space_to_depth},
    {"Sparsemax", "nn", kAxis, along_last<kSparsemax>},
    {"Unfold", "nn", kUnfold, unfold},
};

}  // namespace

std::span<const Operation> network_operations() {
  return kOperations;
}

}  // namespace keratin
