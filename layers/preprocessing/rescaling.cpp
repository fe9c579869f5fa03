#include <utility>

#include <keratin/layers/preprocessing.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"

namespace keratin::layers {

namespace {

class RescalingImpl final : public KerasLayer {
 public:
  RescalingImpl() = default;

  RescalingImpl(
      const Numbers& scale, const Numbers& offset, const LayerOptions& options)
      : KerasLayer(options),
        scale_(tensor_to_config(scale.tensor())),
        offset_(tensor_to_config(offset.tensor())) {
    settle();
  }

  std::string class_name() const override { return "Rescaling"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("scale", scale_, {.required = true});
    visit("offset", offset_);
  }

  Value call(CallContext& ctx, const Value& x) override {
    const auto constant = [&](const Tensor& value) {
      // Keras keeps them in float32 whatever the compute dtype.
      return ops::constant(
          ctx.graph(), value.cast(DType::f32).cast(compute_dtype()));
    };
    return ops::cast(x, compute_dtype()) * constant(scale_tensor_) +
           constant(offset_tensor_);
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    scale_tensor_ = tensor_from_config(scale_, "scale");
    offset_tensor_ = tensor_from_config(offset_, "offset");
  }

 private:
  Config scale_ = 1.0;
  Config offset_ = 0.0;
  Tensor scale_tensor_;
  Tensor offset_tensor_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_rescaling() {
  return std::make_shared<RescalingImpl>();
}

Rescaling::Rescaling(Numbers scale, Numbers offset, LayerOptions options)
    : Layer(std::make_shared<RescalingImpl>(scale, offset, options)) {}

}  // namespace keratin::layers
