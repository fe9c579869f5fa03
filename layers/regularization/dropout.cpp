// Dropout, AlphaDropout and the spatial dropouts.

#include <cmath>
#include <utility>

#include <keratin/layers/regularization.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/spatial_layer.hpp"

namespace keratin::layers {

namespace {

/// A choice of `shape`, true with probability 1 - rate. Always from 32 random
/// bits per element, so that no dtype rounds the rate.
Value choose(
    CallContext& ctx, const Variable& seed, const Shape& shape, double rate) {
  const Value state = ctx.next_random_state(seed);
  return ops::greater_equal(ops::random_uniform(state, shape), rate);
}

Value dropout(
    CallContext& ctx,
    const Variable& seed,
    const Value& x,
    const Shape& noise_shape,
    double rate) {
  if (rate == 1) return ops::zeros_like(x);
  return ops::where(
      choose(ctx, seed, noise_shape, rate),
      x * (1 / (1 - rate)),
      ops::zeros_like(x));
}

class DropoutImpl final : public KerasLayer {
 public:
  explicit DropoutImpl(bool alpha) : alpha_(alpha) {}

  DropoutImpl(bool alpha, double rate, const DropoutOptions& options)
      : KerasLayer(options), alpha_(alpha), rate_(rate), seed_(options.seed) {
    if (options.noise_shape) {
      noise_shape_ = Config::array();
      for (const std::int64_t dim : *options.noise_shape) {
        noise_shape_.push_back(dim == kUnknown ? Config() : Config(dim));
      }
    }
    settle();
  }

  std::string class_name() const override {
    return alpha_ ? "AlphaDropout" : "Dropout";
  }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("rate", rate_, {.required = true, .minimum = 0, .maximum = 1});
    visit("seed", seed_);
    visit("noise_shape", noise_shape_);
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_min_rank(inputs, 0);
    if (!noise_shape_.is_null() && noise_shape_.size() != inputs[0].rank()) {
      fail(format(
          "expected a noise_shape of {} extents, as the input {} has, got {}",
          inputs[0].rank(),
          inputs[0],
          noise_shape_.dump()));
    }
    if (rate_ > 0) state_ = add_seed_generator(seed_);
  }

  Value call(CallContext& ctx, const Value& x) override {
    if (!ctx.training() || rate_ == 0) return x;
    if (!alpha_) return dropout(ctx, state_, x, noise_of(x), rate_);
    // Klambauer et al., "Self-normalizing neural networks", 2017, appendix:
    // dropped elements become the selu's limit; a and b restore the moments.
    constexpr double kLimit =
        -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946;
    if (rate_ == 1) fail("expected rate < 1 for training, got 1");
    const double a = 1 / std::sqrt((1 - rate_) * (1 + rate_ * kLimit * kLimit));
    const double b = -a * kLimit * rate_;
    const Value kept = choose(ctx, state_, noise_of(x), rate_);
    return ops::where(kept, x, ops::full_like(x, kLimit)) * a + b;
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (noise_shape_.is_null()) return;
    if (!noise_shape_.is_array()) {
      fail(format(
          "expected noise_shape to be a list, got {}", noise_shape_.kind()));
    }
    for (const Config& dim : noise_shape_.as_array()) {
      if (dim.is_null() || (dim.is_int() && dim.as_int() > 0)) continue;
      fail(format(
          "expected noise_shape of extents > 0 or null, got {}",
          noise_shape_.dump()));
    }
  }

 private:
  Shape noise_of(const Value& x) const {
    Shape shape = x.shape();
    if (noise_shape_.is_null()) return shape;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      const Config& dim = noise_shape_.as_array()[i];
      if (!dim.is_null()) shape[i] = dim.as_int();
    }
    return shape;
  }

  bool alpha_;
  double rate_ = 0;
  std::optional<std::int64_t> seed_;
  Config noise_shape_;
  Variable state_;
};

class SpatialDropoutImpl final : public SpatialLayer {
 public:
  explicit SpatialDropoutImpl(std::size_t rank) : SpatialLayer(rank) {}

  SpatialDropoutImpl(
      std::size_t rank, double rate, const SpatialDropoutOptions& options)
      : SpatialLayer(rank, options), rate_(rate), seed_(options.seed) {
    settle();
    if (rank == 1 && channels_first()) {
      fail("expected data_format \"channels_last\", the only one in Keras");
    }
  }

  std::string class_name() const override { return ranked("SpatialDropout"); }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("rate", rate_, {.required = true, .minimum = 0, .maximum = 1});
    visit("seed", seed_);
    if (rank() > 1) visit_data_format(visit);
  }

  /// Keras writes a short form: the dtype's name, nothing about training.
  Config get_config() const override {
    Config config = KerasLayer::get_config();
    config["dtype"] = name_of(variable_dtype());
    config.erase("trainable");
    return config;
  }

  void build(const std::vector<Shape>& inputs) override {
    expect_spatial(inputs);
    if (rate_ > 0) state_ = add_seed_generator(seed_);
  }

  Value call(CallContext& ctx, const Value& x) override {
    if (!ctx.training() || rate_ == 0) return x;
    Shape shape = x.shape();
    const std::size_t first = channels_first() ? 2 : 1;
    for (std::size_t i = 0; i < rank(); ++i) shape[first + i] = 1;
    return dropout(ctx, state_, x, shape, rate_);
  }

 private:
  double rate_ = 0;
  std::optional<std::int64_t> seed_;
  Variable state_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_dropout() {
  return std::make_shared<DropoutImpl>(false);
}

std::shared_ptr<LayerImpl> make_alpha_dropout() {
  return std::make_shared<DropoutImpl>(true);
}

std::shared_ptr<LayerImpl> make_spatial_dropout1d() {
  return std::make_shared<SpatialDropoutImpl>(1);
}

std::shared_ptr<LayerImpl> make_spatial_dropout2d() {
  return std::make_shared<SpatialDropoutImpl>(2);
}

std::shared_ptr<LayerImpl> make_spatial_dropout3d() {
  return std::make_shared<SpatialDropoutImpl>(3);
}

Dropout::Dropout(double rate, DropoutOptions options)
    : Layer(std::make_shared<DropoutImpl>(false, rate, options)) {}

AlphaDropout::AlphaDropout(double rate, DropoutOptions options)
    : Layer(std::make_shared<DropoutImpl>(true, rate, options)) {}

SpatialDropout1D::SpatialDropout1D(double rate, SpatialDropoutOptions options)
    : Layer(std::make_shared<SpatialDropoutImpl>(1, rate, options)) {}

SpatialDropout2D::SpatialDropout2D(double rate, SpatialDropoutOptions options)
    : Layer(std::make_shared<SpatialDropoutImpl>(2, rate, options)) {}

SpatialDropout3D::SpatialDropout3D(double rate, SpatialDropoutOptions options)
    : Layer(std::make_shared<SpatialDropoutImpl>(3, rate, options)) {}

}  // namespace keratin::layers
