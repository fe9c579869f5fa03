// "Learning transferable architectures for scalable image recognition", Zoph,
// Vasudevan, Shlens and Le, 2017: NASNet-A, the cells of figure 4. Layers
// without a name of their own are made in Keras's order.

#include <string>
#include <utility>

#include "layers/base/naming.hpp"
#include "models/zoo/builder.hpp"
#include "src/core/format.hpp"

namespace keratin::applications {

using layers::AveragePooling2D;
using layers::BatchNormalization;
using layers::Concatenate;
using layers::Conv2D;
using layers::Cropping2D;
using layers::MaxPooling2D;
using layers::SeparableConv2D;
using layers::ZeroPadding2D;

namespace {

struct Variant {
  const char* function;
  const char* name;
  const char* file;
  std::int64_t size;
  std::int64_t penultimate_filters;
  int blocks;
  std::int64_t stem_filters;
  bool skip_reduction;
  const char* hash;
  const char* hash_without_top;
};

constexpr Variant kMobile = {
    "NASNetMobile",
    "nasnet_mobile",
    "NASNet-mobile",
    224,
    1056,
    4,
    32,
    false,
    "020fb642bf7360b370c678b08e0adf61",
    "1ed92395b5b598bdda52abe5c0dbfd63"};
constexpr Variant kLarge = {
    "NASNetLarge",
    "nasnet_large",
    "NASNet-large",
    331,
    4032,
    6,
    96,
    true,
    "11577c9a518f0070763c2b964a382f17",
    "d81d89dc07e6e56530c4e77faddd61b5"};

/// Weights made while it lives have paths that begin with its name, as those of
/// Keras's name_scope.
class Scope {
 public:
  explicit Scope(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
  NameScope scope_{name_, &name_};
};

SymbolicTensor normalized(const SymbolicTensor& x, const std::string& name) {
  return BatchNormalization(
      {.momentum = 0.9997, .epsilon = 1e-3, .name = name})(x);
}

SymbolicTensor pointwise(
    const SymbolicTensor& x, std::int64_t filters, const std::string& name) {
  return Conv2D(
      filters,
      1,
      {.padding = "same",
       .use_bias = false,
       .kernel_initializer = "he_normal",
       .name = name})(x);
}

SymbolicTensor add(
    const SymbolicTensor& a,
    const SymbolicTensor& b,
    const std::string& name = {}) {
  return layers::Add({.name = name})({a, b});
}

SymbolicTensor average(
    const SymbolicTensor& x,
    std::int64_t size,
    std::int64_t stride,
    const std::string& padding,
    const std::string& name) {
  return AveragePooling2D(
      size, {.strides = stride, .padding = padding, .name = name})(x);
}

/// relu, separable, normalised: twice. The stride is the first one's.
SymbolicTensor separable(
    const SymbolicTensor& input,
    std::int64_t filters,
    std::int64_t kernel,
    std::int64_t stride,
    const std::string& id) {
  const Scope scope("separable_conv_block_" + id);
  SymbolicTensor x = relu(input);
  if (stride == 2) {
    x = ZeroPadding2D(
        correct_pad(x, kernel), {.name = "separable_conv_1_pad_" + id})(x);
  }
  x = SeparableConv2D(
      filters,
      kernel,
      {.strides = stride,
       .padding = stride == 2 ? "valid" : "same",
       .use_bias = false,
       .name = "separable_conv_1_" + id})(x);
  x = relu(normalized(x, "separable_conv_1_bn_" + id));
  x = SeparableConv2D(
      filters,
      kernel,
      {.padding = "same", .use_bias = false, .name = "separable_conv_2_" + id})(
      x);
  return normalized(x, "separable_conv_2_bn_" + id);
}

/// Brings `p`, what the cell before the last made, to the rows, columns and
/// channels of this cell.
SymbolicTensor adjusted(
    SymbolicTensor p,
    const SymbolicTensor& input,
    std::int64_t filters,
    const std::string& id) {
  const Scope adjust("adjust_block");
  if (!p) return input;
  if (p.shape()[2] != input.shape()[2]) {
    const Scope scope("adjust_reduction_block_" + id);
    p = relu(p, "adjust_relu_1_" + id);
    SymbolicTensor a = average(p, 1, 2, "valid", "adjust_avg_pool_1_" + id);
    a = pointwise(a, filters / 2, "adjust_conv_1_" + id);
    // The same, one row and one column further.
    SymbolicTensor b = ZeroPadding2D({{0, 1}, {0, 1}})(p);
    b = Cropping2D({{1, 0}, {1, 0}})(b);
    b = average(b, 1, 2, "valid", "adjust_avg_pool_2_" + id);
    b = pointwise(b, filters / 2, "adjust_conv_2_" + id);
    return normalized(Concatenate()({a, b}), "adjust_bn_" + id);
  }
  if (channels(p) != filters) {
    const Scope scope("adjust_projection_block_" + id);
    p = pointwise(relu(p), filters, "adjust_conv_projection_" + id);
    return normalized(p, "adjust_bn_" + id);
  }
  return p;
}

/// What the last cell made, and the one before.
struct State {
  SymbolicTensor x;
  SymbolicTensor p;
};

State normal_cell(
    const State& in, std::int64_t filters, const std::string& id) {
  const Scope scope("normal_A_block_" + id);
  const SymbolicTensor p = adjusted(in.p, in.x, filters, id);
  SymbolicTensor h = pointwise(relu(in.x), filters, "normal_conv_1_" + id);
  h = normalized(h, "normal_bn_1_" + id);
  const auto block = [&](int number, const auto& body) {
    const Scope inner(format("block_{}", number));
    return body();
  };
  const SymbolicTensor x1 = block(1, [&] {
    const auto left = separable(h, filters, 5, 1, "normal_left1_" + id);
    const auto right = separable(p, filters, 3, 1, "normal_right1_" + id);
    return add(left, right, "normal_add_1_" + id);
  });
  const SymbolicTensor x2 = block(2, [&] {
    const auto left = separable(p, filters, 5, 1, "normal_left2_" + id);
    const auto right = separable(p, filters, 3, 1, "normal_right2_" + id);
    return add(left, right, "normal_add_2_" + id);
  });
  const SymbolicTensor x3 = block(3, [&] {
    const auto left = average(h, 3, 1, "same", "normal_left3_" + id);
    return add(left, p, "normal_add_3_" + id);
  });
  const SymbolicTensor x4 = block(4, [&] {
    const auto left = average(p, 3, 1, "same", "normal_left4_" + id);
    const auto right = average(p, 3, 1, "same", "normal_right4_" + id);
    return add(left, right, "normal_add_4_" + id);
  });
  const SymbolicTensor x5 = block(5, [&] {
    const auto left = separable(h, filters, 3, 1, "normal_left5_" + id);
    return add(left, h, "normal_add_5_" + id);
  });
  return {
      Concatenate({.name = "normal_concat_" + id})({p, x1, x2, x3, x4, x5}),
      in.x};
}

State reduction_cell(
    const State& in, std::int64_t filters, const std::string& id) {
  const Scope scope("reduction_A_block_" + id);
  const SymbolicTensor p = adjusted(in.p, in.x, filters, id);
  SymbolicTensor h = pointwise(relu(in.x), filters, "reduction_conv_1_" + id);
  h = normalized(h, "reduction_bn_1_" + id);
  const SymbolicTensor padded =
      ZeroPadding2D(correct_pad(h, 3), {.name = "reduction_pad_1_" + id})(h);
  const auto block = [&](int number, const auto& body) {
    const Scope inner(format("block_{}", number));
    return body();
  };
  const auto max_pool = [&](const std::string& name) {
    return MaxPooling2D(3, {.strides = 2, .name = name + id})(padded);
  };
  const SymbolicTensor x1 = block(1, [&] {
    const auto left = separable(h, filters, 5, 2, "reduction_left1_" + id);
    const auto right = separable(p, filters, 7, 2, "reduction_right1_" + id);
    return add(left, right, "reduction_add_1_" + id);
  });
  const SymbolicTensor x2 = block(2, [&] {
    const auto left = max_pool("reduction_left2_");
    const auto right = separable(p, filters, 7, 2, "reduction_right2_" + id);
    return add(left, right, "reduction_add_2_" + id);
  });
  const SymbolicTensor x3 = block(3, [&] {
    const auto left = average(padded, 3, 2, "valid", "reduction_left3_" + id);
    const auto right = separable(p, filters, 5, 2, "reduction_right3_" + id);
    return add(left, right, "reduction_add3_" + id);
  });
  const SymbolicTensor x4 = block(4, [&] {
    const auto right = average(x1, 3, 1, "same", "reduction_left4_" + id);
    return add(x2, right);
  });
  const SymbolicTensor x5 = block(5, [&] {
    const auto left = separable(x1, filters, 3, 1, "reduction_left4_" + id);
    const auto right = max_pool("reduction_right5_");
    return add(left, right, "reduction_add4_" + id);
  });
  return {
      Concatenate({.name = "reduction_concat_" + id})({x2, x3, x4, x5}), in.x};
}

Model build(const Variant& variant, Request r) {
  if (!r.include_top && !r.input_shape && variant.size == 224) {
    r.input_shape = Shape{224, 224, 3};
  }
  if (r.imagenet() && r.input_shape && !r.input_shape->is_static()) {
    r.fail(format(
        "expected known extents with weights 'imagenet', got input_shape {}",
        r.input_shape->keras_str()));
  }
  const SymbolicTensor image = image_input(r, {variant.size, 32});
  const std::int64_t filters = variant.penultimate_filters / 24;
  const int n = variant.blocks;

  SymbolicTensor stem = Conv2D(
      variant.stem_filters,
      3,
      {.strides = 2,
       .use_bias = false,
       .kernel_initializer = "he_normal",
       .name = "stem_conv1"})(image);
  State s = {normalized(stem, "stem_bn1"), {}};
  s = reduction_cell(s, filters / 4, "stem_1");
  s = reduction_cell(s, filters / 2, "stem_2");
  for (int i = 0; i < n; ++i) s = normal_cell(s, filters, format("{}", i));
  for (int stage = 1; stage <= 2; ++stage) {
    const std::int64_t wide = filters << stage;
    const SymbolicTensor before = s.p;
    s = reduction_cell(s, wide, format("reduce_{}", stage * n));
    if (variant.skip_reduction) s.p = before;
    for (int i = 0; i < n; ++i) {
      s = normal_cell(s, wide, format("{}", stage * n + i + 1));
    }
  }
  SymbolicTensor x = relu(s.x);
  x = r.include_top ? averaged_predictions(x, r, "") : pooled(x, r);
  return finish(
      r,
      image,
      x,
      variant.name,
      {format(
           "{}nasnet/{}{}.h5",
           kStorage,
           variant.file,
           r.include_top ? "" : "-no-top"),
       r.include_top ? variant.hash : variant.hash_without_top});
}

template <const Variant& kVariant>
Model make(const Request& r) {
  return build(kVariant, r);
}

constexpr Architecture kFamily[] = {
    {"NASNetMobile", make<kMobile>, 224, "tf"},
    {"NASNetLarge", make<kLarge>, 331, "tf"},
};

}  // namespace

std::span<const Architecture> nasnet_family() {
  return kFamily;
}

Model NASNetMobile(NASNetOptions options) {
  return build(kMobile, request("NASNetMobile", options));
}

Model NASNetLarge(NASNetOptions options) {
  return build(kLarge, request("NASNetLarge", options));
}

}  // namespace keratin::applications
