#include <utility>

#include <keratin/layers/reshaping.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/spatial_layer.hpp"
#include "src/core/interpolation.hpp"

namespace keratin::layers {

namespace {

class UpSampling1DImpl final : public KerasLayer {
 public:
  UpSampling1DImpl() = default;

  UpSampling1DImpl(std::int64_t size, const LayerOptions& options)
      : KerasLayer(options), size_(size) {
    settle();
  }

  std::string class_name() const override { return "UpSampling1D"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("size", size_, {.minimum = 1});
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_rank(inputs, 3);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return ops::repeat(x, size_, 1);
  }

 private:
  std::int64_t size_ = 2;
};

class UpSamplingImpl final : public SpatialLayer {
 public:
  explicit UpSamplingImpl(std::size_t rank) : SpatialLayer(rank) {}

  UpSamplingImpl(
      std::size_t rank,
      Dims size,
      const SpatialOptions& options,
      std::string interpolation = "nearest")
      : SpatialLayer(rank, options),
        size_(std::move(size)),
        interpolation_(std::move(interpolation)) {
    settle();
  }

  std::string class_name() const override { return ranked("UpSampling"); }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("size", size_);
    visit_data_format(visit);
    if (rank() == 2) {
      visit(
          "interpolation",
          interpolation_,
          {.choices = {
               "nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"}});
    }
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
  }

  /// Not traced: a matrix for a number in place of an unknown extent would be
  /// large.
  std::vector<Spec> compute_output_spec(
      const Arguments<Spec>& inputs) override {
    Spec spec = inputs.inputs()[0];
    expect_spatial({spec.shape});
    if (is_floating(spec.dtype)) spec.dtype = compute_dtype();
    for (std::size_t i = 0; i < rank(); ++i) {
      std::int64_t& extent = spec.shape[i + (channels_first() ? 2 : 1)];
      if (extent != kUnknown) extent *= size_.values()[i];
    }
    return {spec};
  }

  Value call(CallContext& ctx, const Value& x) override {
    Value y = x;
    for (std::size_t i = 0; i < rank(); ++i) {
      const std::size_t axis = i + (channels_first() ? 2 : 1);
      const std::int64_t size = size_.values()[i];
      if (interpolation_ == "nearest") {
        y = ops::repeat(y, size, static_cast<std::int64_t>(axis));
        continue;
      }
      const std::int64_t extent = x.shape()[axis];
      const Tensor matrix =
          interpolation_matrix(extent, extent * size, interpolation_);
      y = axis_from_last(
          ops::matmul(
              axis_to_last(y, axis),
              ops::constant(ctx.graph(), matrix.cast(y.dtype()))),
          axis);
    }
    return y;
  }

 protected:
  void settle() override {
    settle_dims(size_, "size");
    KerasLayer::settle();
  }

 private:
  Dims size_ = 2;
  std::string interpolation_ = "nearest";
};

}  // namespace

std::shared_ptr<LayerImpl> make_up_sampling1d() {
  return std::make_shared<UpSampling1DImpl>();
}

std::shared_ptr<LayerImpl> make_up_sampling2d() {
  return std::make_shared<UpSamplingImpl>(2);
}

std::shared_ptr<LayerImpl> make_up_sampling3d() {
  return std::make_shared<UpSamplingImpl>(3);
}

UpSampling1D::UpSampling1D(std::int64_t size, LayerOptions options)
    : Layer(std::make_shared<UpSampling1DImpl>(size, options)) {}

UpSampling2D::UpSampling2D(Dims size, UpSampling2DOptions options)
    : Layer(std::make_shared<UpSamplingImpl>(
          2,
          std::move(size),
          SpatialOptions{
              .data_format = options.data_format,
              .name = options.name,
              .dtype = options.dtype,
              .trainable = options.trainable},
          options.interpolation)) {}

UpSampling3D::UpSampling3D(Dims size, SpatialOptions options)
    : Layer(std::make_shared<UpSamplingImpl>(3, std::move(size), options)) {}

}  // namespace keratin::layers
