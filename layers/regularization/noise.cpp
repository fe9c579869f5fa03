// GaussianNoise, GaussianDropout and ActivityRegularization.

#include <cmath>
#include <utility>

#include <keratin/layers/regularization.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"

namespace keratin::layers {

namespace {

enum class Kind { noise, dropout };

class NoiseImpl final : public KerasLayer {
 public:
  explicit NoiseImpl(Kind kind) : kind_(kind) {}

  NoiseImpl(Kind kind, double amount, const NoiseOptions& options)
      : KerasLayer(options), kind_(kind), amount_(amount), seed_(options.seed) {
    settle();
  }

  std::string class_name() const override {
    return kind_ == Kind::noise ? "GaussianNoise" : "GaussianDropout";
  }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit(
        kind_ == Kind::noise ? "stddev" : "rate",
        amount_,
        {.required = true, .minimum = 0, .maximum = 1});
    visit("seed", seed_);
  }

  void build(const std::vector<Shape>& inputs) override {
    (void)inputs;
    if (amount_ > 0) state_ = add_seed_generator(seed_);
  }

  Value call(CallContext& ctx, const Value& x) override {
    if (!ctx.training() || amount_ == 0) return x;
    const Value state = ctx.next_random_state(state_);
    if (kind_ == Kind::noise) {
      return x + ops::random_normal(state, x.shape(), 0, amount_, x.dtype());
    }
    const double stddev = std::sqrt(amount_ / (1 - amount_));
    return x * ops::random_normal(state, x.shape(), 1, stddev, x.dtype());
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (kind_ == Kind::dropout && amount_ == 1) {
      fail("expected rate < 1, got 1: the noise would be infinite");
    }
  }

 private:
  Kind kind_;
  double amount_ = 0;
  std::optional<std::int64_t> seed_;
  Variable state_;
};

class ActivityRegularizationImpl final : public KerasLayer {
 public:
  ActivityRegularizationImpl() = default;

  explicit ActivityRegularizationImpl(ActivityRegularizationOptions options)
      : KerasLayer(options), o_(std::move(options)) {
    settle();
  }

  std::string class_name() const override { return "ActivityRegularization"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("l1", o_.l1, {.minimum = 0});
    visit("l2", o_.l2, {.minimum = 0});
  }

  /// The regularizer is made from l1 and l2.
  Config get_config() const override {
    Config config = KerasLayer::get_config();
    config.erase("activity_regularizer");
    return config;
  }

  Value call(CallContext& ctx, const Value& x) override {
    (void)ctx;
    return x;
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    activity_regularizer_ = regularizers::L1L2({.l1 = o_.l1, .l2 = o_.l2});
  }

 private:
  ActivityRegularizationOptions o_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_gaussian_noise() {
  return std::make_shared<NoiseImpl>(Kind::noise);
}

std::shared_ptr<LayerImpl> make_gaussian_dropout() {
  return std::make_shared<NoiseImpl>(Kind::dropout);
}

std::shared_ptr<LayerImpl> make_activity_regularization() {
  return std::make_shared<ActivityRegularizationImpl>();
}

GaussianNoise::GaussianNoise(double stddev, NoiseOptions options)
    : Layer(std::make_shared<NoiseImpl>(Kind::noise, stddev, options)) {}

GaussianDropout::GaussianDropout(double rate, NoiseOptions options)
    : Layer(std::make_shared<NoiseImpl>(Kind::dropout, rate, options)) {}

ActivityRegularization::ActivityRegularization(
    ActivityRegularizationOptions options)
    : Layer(std::make_shared<ActivityRegularizationImpl>(std::move(options))) {}

}  // namespace keratin::layers
