#include <utility>

#include <keratin/layers/reshaping.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/spatial_layer.hpp"

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

  UpSamplingImpl(std::size_t rank, Dims size, const SpatialOptions& options)
      : SpatialLayer(rank, options), size_(std::move(size)) {
    settle();
  }

  std::string class_name() const override { return ranked("UpSampling"); }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("size", size_);
    visit_data_format(visit);
    if (rank() == 2) {
      visit("interpolation", interpolation_, {.choices = {"nearest"}});
    }
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    Value y = x;
    for (std::size_t i = 0; i < rank(); ++i) {
      const std::size_t axis = i + (channels_first() ? 2 : 1);
      y = ops::repeat(y, size_.values()[i], static_cast<std::int64_t>(axis));
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

UpSampling2D::UpSampling2D(Dims size, SpatialOptions options)
    : Layer(std::make_shared<UpSamplingImpl>(2, std::move(size), options)) {}

UpSampling3D::UpSampling3D(Dims size, SpatialOptions options)
    : Layer(std::make_shared<UpSamplingImpl>(3, std::move(size), options)) {}

}  // namespace keratin::layers
