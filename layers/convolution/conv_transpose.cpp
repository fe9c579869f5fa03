#include <algorithm>
#include <utility>

#include <keratin/layers/convolution.hpp>

#include "layers/convolution/conv_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class ConvTransposeImpl final : public ConvLayer {
 public:
  explicit ConvTransposeImpl(std::size_t rank) : ConvLayer(rank) {}

  ConvTransposeImpl(
      std::size_t rank,
      std::int64_t filters,
      Dims kernel_size,
      ConvTransposeOptions options)
      : ConvLayer(rank, std::move(kernel_size), options),
        filters_(filters),
        o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override {
    return ranked("Conv", "Transpose");
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("filters", filters_, {.required = true, .minimum = 1});
    visit("kernel_size", kernel_size_, {.required = true});
    visit("strides", o_.strides);
    visit("padding", o_.padding, {.choices = {"valid", "same"}});
    visit("output_padding", o_.output_padding);
    visit_data_format(visit);
    visit("dilation_rate", o_.dilation_rate);
    visit("activation", o_.activation);
    visit("use_bias", o_.use_bias);
    visit("kernel_initializer", o_.kernel_initializer);
    visit("bias_initializer", o_.bias_initializer);
    visit("kernel_regularizer", o_.kernel_regularizer);
    visit("bias_regularizer", o_.bias_regularizer);
    visit("kernel_constraint", o_.kernel_constraint);
    visit("bias_constraint", o_.bias_constraint);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
    channels_ = channels_of(inputs[0]);
    kernel_ = add_weight(
        "kernel",
        kernel_shape(filters_, channels_),
        {.initializer = o_.kernel_initializer,
         .regularizer = o_.kernel_regularizer,
         .constraint = o_.kernel_constraint});
    build_bias(o_, filters_);
  }

  Value call(CallContext& ctx, const Value& input) override {
    expect_channels(input, channels_);
    const Value x = to_last(input);
    const std::vector<std::int64_t> in = extents(x);
    std::vector<std::int64_t> out;
    for (std::size_t i = 0; i < rank(); ++i) {
      out.push_back(output_extent(in[i], i));
    }
    // The convolution whose gradient this is runs from y to x.
    ops::Window window = ops::make_window(
        o_.padding,
        out,
        kernel_size_.values(),
        o_.strides.values(),
        o_.dilation_rate.values());
    Shape shape = {x.shape()[0]};
    for (const std::int64_t extent : out) shape.push_back(extent);
    shape.push_back(filters_);
    return finish(
        ctx, o_, ops::conv_backward_data(x, ctx.read(kernel_), shape, window));
  }

 protected:
  void settle() override {
    settle_window(o_);
    if (o_.output_padding.given()) {
      settle_dims(o_.output_padding, "output_padding", 0);
      for (std::size_t i = 0; i < rank(); ++i) {
        const std::int64_t stride = o_.strides.values()[i];
        if (o_.output_padding.values()[i] < stride) continue;
        fail(format(
            "expected output_padding below the stride {}, got {}",
            stride,
            o_.output_padding.values()[i]));
      }
    }
    KerasLayer::settle();
    expect_strides_or_dilation(o_);
  }

 private:
  std::int64_t output_extent(std::int64_t in, std::size_t axis) const {
    const std::int64_t stride = o_.strides.values()[axis];
    const std::int64_t kernel =
        (kernel_size_.values()[axis] - 1) * o_.dilation_rate.values()[axis] + 1;
    const bool given = o_.output_padding.given();
    const std::int64_t padding = given ? o_.output_padding.values()[axis] : 0;
    if (o_.padding == "same") {
      return given ? (in - 1) * stride + kernel % 2 + padding : in * stride;
    }
    return (in - 1) * stride +
           (given ? kernel + padding : std::max(kernel, stride));
  }

  std::int64_t filters_ = 0;
  ConvTransposeOptions o_;
  std::int64_t channels_ = 0;
  Variable kernel_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_conv1d_transpose() {
  return std::make_shared<ConvTransposeImpl>(1);
}

std::shared_ptr<LayerImpl> make_conv2d_transpose() {
  return std::make_shared<ConvTransposeImpl>(2);
}

std::shared_ptr<LayerImpl> make_conv3d_transpose() {
  return std::make_shared<ConvTransposeImpl>(3);
}

Conv1DTranspose::Conv1DTranspose(
    std::int64_t filters, Dims kernel_size, ConvTransposeOptions options)
    : Layer(std::make_shared<ConvTransposeImpl>(
          1, filters, std::move(kernel_size), std::move(options))) {}

Conv2DTranspose::Conv2DTranspose(
    std::int64_t filters, Dims kernel_size, ConvTransposeOptions options)
    : Layer(std::make_shared<ConvTransposeImpl>(
          2, filters, std::move(kernel_size), std::move(options))) {}

Conv3DTranspose::Conv3DTranspose(
    std::int64_t filters, Dims kernel_size, ConvTransposeOptions options)
    : Layer(std::make_shared<ConvTransposeImpl>(
          3, filters, std::move(kernel_size), std::move(options))) {}

}  // namespace keratin::layers
