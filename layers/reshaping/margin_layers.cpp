// ZeroPadding and Cropping.

#include <utility>

#include <keratin/layers/reshaping.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/spatial_layer.hpp"

namespace keratin::layers {

namespace {

enum class Kind { padding, cropping };

SpatialOptions with_format(const LayerOptions& options) {
  return {
      .name = options.name,
      .dtype = options.dtype,
      .trainable = options.trainable};
}

class MarginImpl final : public SpatialLayer {
 public:
  MarginImpl(Kind kind, std::size_t rank)
      : SpatialLayer(rank),
        kind_(kind),
        margins_(kind == Kind::cropping && rank == 2 ? 0 : 1) {}

  MarginImpl(
      Kind kind,
      std::size_t rank,
      Margins margins,
      const SpatialOptions& options)
      : SpatialLayer(rank, options), kind_(kind), margins_(std::move(margins)) {
    settle();
  }

  std::string class_name() const override {
    return ranked(kind_ == Kind::padding ? "ZeroPadding" : "Cropping");
  }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit(what(), margins_);
    // Keras's Cropping1D is channels-last only.
    if (kind_ == Kind::padding || rank() > 1) visit_data_format(visit);
  }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    if (leaves_nothing_) config["allow_empty"] = true;
    return config;
  }

  /// Also "allow_empty", for files of Keras 2, which cropped to nothing.
  void from_config(const Config& config, const std::string& where) override {
    Config known = config;
    if (const Config* empty = config.find("allow_empty")) {
      allow_empty_ = kind_ == Kind::cropping && *empty == Config(true);
      known.erase("allow_empty");
    }
    KerasLayer::from_config(known, where);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
    if (kind_ == Kind::padding) return;
    const std::size_t first = channels_first() ? 2 : 1;
    const auto pairs = margins_.resolve(rank(), who(), what());
    for (std::size_t i = 0; i < rank(); ++i) {
      const std::int64_t extent = inputs[0][first + i];
      if (extent == kUnknown || pairs[i].first + pairs[i].second < extent) {
        continue;
      }
      leaves_nothing_ = allow_empty_;
      if (allow_empty_) continue;
      fail(format(
          "expected an input of more than {} elements on axis {}, got {}",
          pairs[i].first + pairs[i].second,
          first + i,
          inputs[0]));
    }
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    const std::size_t first = channels_first() ? 2 : 1;
    const std::int64_t sign = kind_ == Kind::padding ? 1 : -1;
    const auto pairs = margins_.resolve(rank(), who(), what());
    ops::Ints low(x.rank(), 0);
    ops::Ints high(x.rank(), 0);
    for (std::size_t i = 0; i < rank(); ++i) {
      low[first + i] = sign * pairs[i].first;
      high[first + i] = sign * pairs[i].second;
      const std::int64_t extent = x.shape()[first + i];
      if (kind_ == Kind::cropping &&
          -low[first + i] - high[first + i] > extent) {
        low[first + i] = -extent;
        high[first + i] = 0;
      }
    }
    return ops::pad(x, low, high);
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    margins_.settle(rank(), who(), what());
  }

 private:
  const char* what() const {
    return kind_ == Kind::padding ? "padding" : "cropping";
  }

  Kind kind_;
  Margins margins_;
  bool allow_empty_ = false;
  bool leaves_nothing_ = false;
};

}  // namespace

std::shared_ptr<LayerImpl> make_zero_padding1d() {
  return std::make_shared<MarginImpl>(Kind::padding, 1);
}

std::shared_ptr<LayerImpl> make_zero_padding2d() {
  return std::make_shared<MarginImpl>(Kind::padding, 2);
}

std::shared_ptr<LayerImpl> make_zero_padding3d() {
  return std::make_shared<MarginImpl>(Kind::padding, 3);
}

std::shared_ptr<LayerImpl> make_cropping1d() {
  return std::make_shared<MarginImpl>(Kind::cropping, 1);
}

std::shared_ptr<LayerImpl> make_cropping2d() {
  return std::make_shared<MarginImpl>(Kind::cropping, 2);
}

std::shared_ptr<LayerImpl> make_cropping3d() {
  return std::make_shared<MarginImpl>(Kind::cropping, 3);
}

ZeroPadding1D::ZeroPadding1D(Margins padding, SpatialOptions options)
    : Layer(std::make_shared<MarginImpl>(
          Kind::padding, 1, std::move(padding), options)) {}

ZeroPadding2D::ZeroPadding2D(Margins padding, SpatialOptions options)
    : Layer(std::make_shared<MarginImpl>(
          Kind::padding, 2, std::move(padding), options)) {}

ZeroPadding3D::ZeroPadding3D(Margins padding, SpatialOptions options)
    : Layer(std::make_shared<MarginImpl>(
          Kind::padding, 3, std::move(padding), options)) {}

Cropping1D::Cropping1D(Margins cropping, LayerOptions options)
    : Layer(std::make_shared<MarginImpl>(
          Kind::cropping, 1, std::move(cropping), with_format(options))) {}

Cropping2D::Cropping2D(Margins cropping, SpatialOptions options)
    : Layer(std::make_shared<MarginImpl>(
          Kind::cropping, 2, std::move(cropping), options)) {}

Cropping3D::Cropping3D(Margins cropping, SpatialOptions options)
    : Layer(std::make_shared<MarginImpl>(
          Kind::cropping, 3, std::move(cropping), options)) {}

}  // namespace keratin::layers
