// Depthwise and separable convolutions.

#include <utility>

#include <keratin/layers/convolution.hpp>

#include "layers/convolution/conv_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

/// x: [n, spatial..., c], kernel: [sizes..., c, m] -> [n, out..., c m], as a
/// convolution with one group per channel: weights [sizes..., 1, c m].
Value depthwise(
    const Value& x, const Value& kernel, const ops::Window& window) {
  Shape shape = kernel.shape();
  const std::size_t last = shape.rank() - 1;
  const std::int64_t channels = shape[last - 1];
  shape[last] *= channels;
  shape[last - 1] = 1;
  return ops::conv(x, ops::reshape(kernel, shape), window, channels);
}

class DepthwiseConvImpl final : public ConvLayer {
 public:
  explicit DepthwiseConvImpl(std::size_t rank) : ConvLayer(rank) {}

  DepthwiseConvImpl(
      std::size_t rank, Dims kernel_size, DepthwiseConvOptions options)
      : ConvLayer(rank, std::move(kernel_size), options),
        o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return ranked("DepthwiseConv"); }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("depth_multiplier", o_.depth_multiplier, {.minimum = 1});
    visit("kernel_size", kernel_size_, {.required = true});
    visit("strides", o_.strides);
    visit("padding", o_.padding, {.choices = {"valid", "same"}});
    visit_data_format(visit);
    visit("dilation_rate", o_.dilation_rate);
    visit("activation", o_.activation);
    visit("use_bias", o_.use_bias);
    visit("depthwise_initializer", o_.depthwise_initializer);
    visit("bias_initializer", o_.bias_initializer);
    visit("depthwise_regularizer", o_.depthwise_regularizer);
    visit("bias_regularizer", o_.bias_regularizer);
    visit("depthwise_constraint", o_.depthwise_constraint);
    visit("bias_constraint", o_.bias_constraint);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
    channels_ = channels_of(inputs[0]);
    kernel_ = add_weight(
        "kernel",
        kernel_shape(channels_, o_.depth_multiplier),
        {.initializer = o_.depthwise_initializer,
         .regularizer = o_.depthwise_regularizer,
         .constraint = o_.depthwise_constraint});
    build_bias(o_, channels_ * o_.depth_multiplier);
  }

  Value call(CallContext& ctx, const Value& input) override {
    expect_channels(input, channels_);
    const Value x = to_last(input);
    return finish(ctx, o_, depthwise(x, ctx.read(kernel_), window_of(o_, x)));
  }

 protected:
  void settle() override {
    settle_window(o_);
    KerasLayer::settle();
  }

 private:
  DepthwiseConvOptions o_;
  std::int64_t channels_ = 0;
  Variable kernel_;
};

class SeparableConvImpl final : public ConvLayer {
 public:
  explicit SeparableConvImpl(std::size_t rank) : ConvLayer(rank) {}

  SeparableConvImpl(
      std::size_t rank,
      std::int64_t filters,
      Dims kernel_size,
      SeparableConvOptions options)
      : ConvLayer(rank, std::move(kernel_size), options),
        filters_(filters),
        o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return ranked("SeparableConv"); }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("depth_multiplier", o_.depth_multiplier, {.minimum = 1});
    visit("filters", filters_, {.required = true, .minimum = 1});
    visit("kernel_size", kernel_size_, {.required = true});
    visit("strides", o_.strides);
    visit("padding", o_.padding, {.choices = {"valid", "same"}});
    visit_data_format(visit);
    visit("dilation_rate", o_.dilation_rate);
    visit("activation", o_.activation);
    visit("use_bias", o_.use_bias);
    visit("depthwise_initializer", o_.depthwise_initializer);
    visit("pointwise_initializer", o_.pointwise_initializer);
    visit("bias_initializer", o_.bias_initializer);
    visit("depthwise_regularizer", o_.depthwise_regularizer);
    visit("pointwise_regularizer", o_.pointwise_regularizer);
    visit("bias_regularizer", o_.bias_regularizer);
    visit("depthwise_constraint", o_.depthwise_constraint);
    visit("pointwise_constraint", o_.pointwise_constraint);
    visit("bias_constraint", o_.bias_constraint);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
    channels_ = channels_of(inputs[0]);
    depthwise_ = add_weight(
        "depthwise_kernel",
        kernel_shape(channels_, o_.depth_multiplier),
        {.initializer = o_.depthwise_initializer,
         .regularizer = o_.depthwise_regularizer,
         .constraint = o_.depthwise_constraint});
    Shape pointwise(std::vector<std::int64_t>(rank(), 1));
    pointwise.push_back(channels_ * o_.depth_multiplier);
    pointwise.push_back(filters_);
    pointwise_ = add_weight(
        "pointwise_kernel",
        pointwise,
        {.initializer = o_.pointwise_initializer,
         .regularizer = o_.pointwise_regularizer,
         .constraint = o_.pointwise_constraint});
    build_bias(o_, filters_);
  }

  Value call(CallContext& ctx, const Value& input) override {
    expect_channels(input, channels_);
    const Value x = to_last(input);
    const Value mixed = depthwise(x, ctx.read(depthwise_), window_of(o_, x));
    return finish(ctx, o_, ops::conv(mixed, ctx.read(pointwise_)));
  }

 protected:
  void settle() override {
    settle_window(o_);
    KerasLayer::settle();
  }

 private:
  std::int64_t filters_ = 0;
  SeparableConvOptions o_;
  std::int64_t channels_ = 0;
  Variable depthwise_;
  Variable pointwise_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_depthwise_conv1d() {
  return std::make_shared<DepthwiseConvImpl>(1);
}

std::shared_ptr<LayerImpl> make_depthwise_conv2d() {
  return std::make_shared<DepthwiseConvImpl>(2);
}

std::shared_ptr<LayerImpl> make_separable_conv1d() {
  return std::make_shared<SeparableConvImpl>(1);
}

std::shared_ptr<LayerImpl> make_separable_conv2d() {
  return std::make_shared<SeparableConvImpl>(2);
}

DepthwiseConv1D::DepthwiseConv1D(Dims kernel_size, DepthwiseConvOptions options)
    : Layer(std::make_shared<DepthwiseConvImpl>(
          1, std::move(kernel_size), std::move(options))) {}

DepthwiseConv2D::DepthwiseConv2D(Dims kernel_size, DepthwiseConvOptions options)
    : Layer(std::make_shared<DepthwiseConvImpl>(
          2, std::move(kernel_size), std::move(options))) {}

SeparableConv1D::SeparableConv1D(
    std::int64_t filters, Dims kernel_size, SeparableConvOptions options)
    : Layer(std::make_shared<SeparableConvImpl>(
          1, filters, std::move(kernel_size), std::move(options))) {}

SeparableConv2D::SeparableConv2D(
    std::int64_t filters, Dims kernel_size, SeparableConvOptions options)
    : Layer(std::make_shared<SeparableConvImpl>(
          2, filters, std::move(kernel_size), std::move(options))) {}

}  // namespace keratin::layers
