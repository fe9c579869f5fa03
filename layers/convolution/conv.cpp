#include <utility>

#include <keratin/layers/convolution.hpp>

#include "layers/convolution/conv_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class ConvImpl final : public ConvLayer {
 public:
  explicit ConvImpl(std::size_t rank) : ConvLayer(rank) {}

  ConvImpl(
      std::size_t rank,
      std::int64_t filters,
      Dims kernel_size,
      ConvOptions options)
      : ConvLayer(rank, std::move(kernel_size), options),
        filters_(filters),
        o_(std::move(options)),
        lora_(o_.lora_rank, o_.lora_alpha) {
    settle();
  }

  std::string class_name() const override { return ranked("Conv"); }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("filters", filters_, {.required = true, .minimum = 1});
    visit("kernel_size", kernel_size_, {.required = true});
    visit("strides", o_.strides);
    if (rank() == 1) {
      visit("padding", o_.padding, {.choices = {"valid", "same", "causal"}});
    } else {
      visit("padding", o_.padding, {.choices = {"valid", "same"}});
    }
    visit_data_format(visit);
    visit("dilation_rate", o_.dilation_rate);
    visit("groups", o_.groups, {.minimum = 1});
    visit("activation", o_.activation);
    visit("use_bias", o_.use_bias);
    visit("kernel_initializer", o_.kernel_initializer);
    visit("bias_initializer", o_.bias_initializer);
    visit("kernel_regularizer", o_.kernel_regularizer);
    visit("bias_regularizer", o_.bias_regularizer);
    visit("kernel_constraint", o_.kernel_constraint);
    visit("bias_constraint", o_.bias_constraint);
    lora_.fields(visit);
  }

  Config get_config() const override {
    Config config = ConvLayer::get_config();
    lora_.write(config);
    return config;
  }

  const Lora* lora() const override { return &lora_; }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
    channels_ = channels_of(inputs[0]);
    if (channels_ % o_.groups != 0) {
      fail(format(
          "expected groups that divide the {} channels of the input {}, got {}",
          channels_,
          inputs[0],
          o_.groups));
    }
    kernel_ = add_weight(
        "kernel",
        kernel_shape(channels_ / o_.groups, filters_),
        {.initializer = o_.kernel_initializer,
         .regularizer = o_.kernel_regularizer,
         .constraint = o_.kernel_constraint});
    build_bias(o_, filters_);
    build_lora(lora_, kernel_, "lora_kernel", o_.kernel_regularizer);
  }

  Value call(CallContext& ctx, const Value& input) override {
    expect_channels(input, channels_);
    const Value x = to_last(input);
    return finish(
        ctx,
        o_,
        ops::conv(
            x,
            lora_.apply(ctx, ctx.read(kernel_)),
            window_of(o_, x),
            o_.groups));
  }

 protected:
  void settle() override {
    settle_window(o_);
    KerasLayer::settle();
    expect_strides_or_dilation(o_);
    if (filters_ % o_.groups != 0) {
      fail(format(
          "expected groups that divide the {} filters, got {}",
          filters_,
          o_.groups));
    }
    if (lora_ && o_.kernel_constraint) fail_lora_constraint();
  }

 private:
  std::int64_t filters_ = 0;
  ConvOptions o_;
  Lora lora_;
  std::int64_t channels_ = 0;
  Variable kernel_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_conv1d() {
  return std::make_shared<ConvImpl>(1);
}

std::shared_ptr<LayerImpl> make_conv2d() {
  return std::make_shared<ConvImpl>(2);
}

std::shared_ptr<LayerImpl> make_conv3d() {
  return std::make_shared<ConvImpl>(3);
}

Conv1D::Conv1D(std::int64_t filters, Dims kernel_size, ConvOptions options)
    : Layer(std::make_shared<ConvImpl>(
          1, filters, std::move(kernel_size), std::move(options))) {}

Conv2D::Conv2D(std::int64_t filters, Dims kernel_size, ConvOptions options)
    : Layer(std::make_shared<ConvImpl>(
          2, filters, std::move(kernel_size), std::move(options))) {}

Conv3D::Conv3D(std::int64_t filters, Dims kernel_size, ConvOptions options)
    : Layer(std::make_shared<ConvImpl>(
          3, filters, std::move(kernel_size), std::move(options))) {}

}  // namespace keratin::layers
