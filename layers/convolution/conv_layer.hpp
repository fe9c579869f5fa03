#pragma once

#include "layers/support/spatial_layer.hpp"

namespace keratin::layers {

/// What the convolutions share: window arguments, bias and activation.
class ConvLayer : public SpatialLayer {
 public:
  explicit ConvLayer(std::size_t rank) : SpatialLayer(rank) {}

  template <class Options>
  ConvLayer(std::size_t rank, Dims kernel_size, const Options& options)
      : SpatialLayer(rank, options), kernel_size_(std::move(kernel_size)) {
    activity_regularizer_ = options.activity_regularizer;
  }

 protected:
  bool writes_activity_regularizer() const override { return true; }

  template <class Options>
  void settle_window(Options& options) {
    settle_dims(kernel_size_, "kernel_size");
    settle_dims(options.strides, "strides");
    settle_dims(options.dilation_rate, "dilation_rate");
  }

  /// Keras's rule for plain and transposed convolutions.
  template <class Options>
  void expect_strides_or_dilation(const Options& options) const {
    const auto above_one = [](const Dims& dims) {
      for (const std::int64_t value : dims.values()) {
        if (value > 1) return true;
      }
      return false;
    };
    if (above_one(options.strides) && above_one(options.dilation_rate)) {
      fail("expected strides of 1 together with a dilation_rate above 1");
    }
  }

  template <class Options>
  ops::Window window_of(const Options& options, const Value& x) const {
    return ops::make_window(
        options.padding,
        extents(x),
        kernel_size_.values(),
        options.strides.values(),
        options.dilation_rate.values());
  }

  template <class Options>
  void build_bias(const Options& options, std::int64_t size) {
    if (!options.use_bias) return;
    bias_ = add_weight(
        "bias",
        {size},
        {.initializer = options.bias_initializer,
         .regularizer = options.bias_regularizer,
         .constraint = options.bias_constraint});
  }

  /// Bias, the layer's data format, activation.
  template <class Options>
  Value finish(CallContext& ctx, const Options& options, Value y) const {
    if (bias_) y = y + ctx.read(bias_);
    return options.activation(from_last(y));
  }

  /// [kernel..., rest...]
  Shape kernel_shape(std::int64_t in, std::int64_t out) const {
    Shape shape(kernel_size_.values());
    shape.push_back(in);
    shape.push_back(out);
    return shape;
  }

  Dims kernel_size_ = 1;
  Variable bias_;
};

}  // namespace keratin::layers
