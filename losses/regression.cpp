// Losses of numbers: errors, hinges, overlaps, angles.

#include <utility>

#include <keratin/losses/regression.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "losses/keras_loss.hpp"
#include "losses/registry.hpp"

namespace keratin::losses {

namespace {

/// A function of y_true and y_pred without arguments of its own.
class SimpleLoss final : public KerasLoss<LossOptions> {
 public:
  using Function = Value (*)(const Value&, const Value&);

  SimpleLoss(
      const char* class_name,
      const char* name,
      Function function,
      LossOptions options)
      : KerasLoss(std::move(options), name),
        class_name_(class_name),
        function_(function) {}

  std::string class_name() const override { return class_name_; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return function_(y_true, y_pred);
  }

 private:
  const char* class_name_;
  Function function_;
};

class HuberLoss final : public KerasLoss<HuberOptions> {
 public:
  explicit HuberLoss(HuberOptions options = {})
      : KerasLoss(std::move(options), "huber_loss") {}

  std::string class_name() const override { return "Huber"; }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("delta", o_.delta);
  }

  Config get_config() const override {
    // Keras forgets delta. It reads it, though.
    Config config = LossImpl::get_config();
    if (o_.delta == HuberOptions().delta) config.erase("delta");
    return config;
  }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return huber(y_true, y_pred, o_.delta);
  }
};

class CosineSimilarityLoss final : public KerasLoss<CosineSimilarityOptions> {
 public:
  explicit CosineSimilarityLoss(CosineSimilarityOptions options = {})
      : KerasLoss(std::move(options), "cosine_similarity") {}

  std::string class_name() const override { return "CosineSimilarity"; }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("axis", o_.axis);
  }

  Config get_config() const override {
    // Keras forgets the axis. It reads it, though.
    Config config = LossImpl::get_config();
    if (o_.axis == CosineSimilarityOptions().axis) config.erase("axis");
    return config;
  }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return cosine_similarity(y_true, y_pred, o_.axis);
  }
};

class DiceLoss final : public KerasLoss<DiceOptions> {
 public:
  explicit DiceLoss(DiceOptions options = {})
      : KerasLoss(std::move(options), "dice"), axis_(o_.axis) {}

  std::string class_name() const override { return "Dice"; }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("axis", axis_);
  }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return dice(y_true, y_pred, axis_.values());
  }

 private:
  Dims axis_;
};

class TverskyLoss final : public KerasLoss<TverskyOptions> {
 public:
  explicit TverskyLoss(TverskyOptions options = {})
      : KerasLoss(std::move(options), "tversky"), axis_(o_.axis) {}

  std::string class_name() const override { return "Tversky"; }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("alpha", o_.alpha);
    visit("beta", o_.beta);
    visit("axis", axis_);
  }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return tversky(y_true, y_pred, o_.alpha, o_.beta, axis_.values());
  }

 private:
  Dims axis_;
};

class CircleLoss final : public KerasLoss<CircleOptions> {
 public:
  explicit CircleLoss(CircleOptions options = {})
      : KerasLoss(std::move(options), "circle") {}

  std::string class_name() const override { return "Circle"; }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("gamma", o_.gamma);
    visit("margin", o_.margin);
    visit("remove_diagonal", o_.remove_diagonal);
  }

  bool casts_labels() const override { return false; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return circle(y_true, y_pred, o_.gamma, o_.margin, o_.remove_diagonal);
  }

  /// Samples without a pair of either kind have no loss, and do not count.
  Value result_mask(const Value& y_true, const Value& losses) const override {
    (void)y_true;
    return ops::greater(losses, 0.0);
  }
};

template <class Impl, class Options>
Loss make(Options options) {
  return Loss(std::shared_ptr<const LossImpl>(
      std::make_shared<Impl>(std::move(options))));
}

}  // namespace

std::shared_ptr<LossImpl> make_mean_squared_error() {
  return std::make_shared<SimpleLoss>(
      "MeanSquaredError",
      "mean_squared_error",
      &mean_squared_error,
      LossOptions());
}

Loss MeanSquaredError(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "MeanSquaredError",
      "mean_squared_error",
      &mean_squared_error,
      std::move(options))));
}

std::shared_ptr<LossImpl> make_mean_absolute_error() {
  return std::make_shared<SimpleLoss>(
      "MeanAbsoluteError",
      "mean_absolute_error",
      &mean_absolute_error,
      LossOptions());
}

Loss MeanAbsoluteError(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "MeanAbsoluteError",
      "mean_absolute_error",
      &mean_absolute_error,
      std::move(options))));
}

std::shared_ptr<LossImpl> make_mean_absolute_percentage_error() {
  return std::make_shared<SimpleLoss>(
      "MeanAbsolutePercentageError",
      "mean_absolute_percentage_error",
      &mean_absolute_percentage_error,
      LossOptions());
}

Loss MeanAbsolutePercentageError(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "MeanAbsolutePercentageError",
      "mean_absolute_percentage_error",
      &mean_absolute_percentage_error,
      std::move(options))));
}

std::shared_ptr<LossImpl> make_mean_squared_logarithmic_error() {
  return std::make_shared<SimpleLoss>(
      "MeanSquaredLogarithmicError",
      "mean_squared_logarithmic_error",
      &mean_squared_logarithmic_error,
      LossOptions());
}

Loss MeanSquaredLogarithmicError(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "MeanSquaredLogarithmicError",
      "mean_squared_logarithmic_error",
      &mean_squared_logarithmic_error,
      std::move(options))));
}

std::shared_ptr<LossImpl> make_log_cosh() {
  return std::make_shared<SimpleLoss>(
      "LogCosh", "log_cosh", &log_cosh, LossOptions());
}

Loss LogCosh(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "LogCosh", "log_cosh", &log_cosh, std::move(options))));
}

std::shared_ptr<LossImpl> make_hinge() {
  return std::make_shared<SimpleLoss>("Hinge", "hinge", &hinge, LossOptions());
}

Loss Hinge(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "Hinge", "hinge", &hinge, std::move(options))));
}

std::shared_ptr<LossImpl> make_squared_hinge() {
  return std::make_shared<SimpleLoss>(
      "SquaredHinge", "squared_hinge", &squared_hinge, LossOptions());
}

Loss SquaredHinge(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "SquaredHinge", "squared_hinge", &squared_hinge, std::move(options))));
}

std::shared_ptr<LossImpl> make_categorical_hinge() {
  return std::make_shared<SimpleLoss>(
      "CategoricalHinge",
      "categorical_hinge",
      &categorical_hinge,
      LossOptions());
}

Loss CategoricalHinge(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "CategoricalHinge",
      "categorical_hinge",
      &categorical_hinge,
      std::move(options))));
}

std::shared_ptr<LossImpl> make_poisson() {
  return std::make_shared<SimpleLoss>(
      "Poisson", "poisson", &poisson, LossOptions());
}

Loss Poisson(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "Poisson", "poisson", &poisson, std::move(options))));
}

std::shared_ptr<LossImpl> make_kl_divergence() {
  return std::make_shared<SimpleLoss>(
      "KLDivergence", "kl_divergence", &kl_divergence, LossOptions());
}

Loss KLDivergence(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(std::make_shared<SimpleLoss>(
      "KLDivergence", "kl_divergence", &kl_divergence, std::move(options))));
}

std::shared_ptr<LossImpl> make_huber() {
  return std::make_shared<HuberLoss>();
}

Loss Huber(HuberOptions options) {
  return make<HuberLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_cosine_similarity() {
  return std::make_shared<CosineSimilarityLoss>();
}

Loss CosineSimilarity(CosineSimilarityOptions options) {
  return make<CosineSimilarityLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_dice() {
  return std::make_shared<DiceLoss>();
}

Loss Dice(DiceOptions options) {
  return make<DiceLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_tversky() {
  return std::make_shared<TverskyLoss>();
}

Loss Tversky(TverskyOptions options) {
  return make<TverskyLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_circle() {
  return std::make_shared<CircleLoss>();
}

Loss Circle(CircleOptions options) {
  return make<CircleLoss>(std::move(options));
}

}  // namespace keratin::losses
