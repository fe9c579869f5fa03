// Cross-entropies.

#include <utility>

#include <keratin/error.hpp>
#include <keratin/losses/crossentropy.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "losses/keras_loss.hpp"
#include "losses/registry.hpp"
#include "src/core/format.hpp"

namespace keratin::losses {

namespace {

class BinaryCrossentropyLoss final
    : public KerasLoss<BinaryCrossentropyOptions> {
 public:
  explicit BinaryCrossentropyLoss(BinaryCrossentropyOptions options = {})
      : KerasLoss(std::move(options), "binary_crossentropy") {}

  std::string class_name() const override { return "BinaryCrossentropy"; }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("from_logits", o_.from_logits);
    visit("label_smoothing", o_.label_smoothing, {.minimum = 0, .maximum = 1});
    visit("axis", o_.axis);
  }

  std::optional<bool> from_logits() const override { return o_.from_logits; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return binary_crossentropy(
        y_true, y_pred, o_.from_logits, o_.label_smoothing, o_.axis);
  }
};

class BinaryFocalCrossentropyLoss final
    : public KerasLoss<BinaryFocalCrossentropyOptions> {
 public:
  explicit BinaryFocalCrossentropyLoss(
      BinaryFocalCrossentropyOptions options = {})
      : KerasLoss(std::move(options), "binary_focal_crossentropy") {}

  std::string class_name() const override { return "BinaryFocalCrossentropy"; }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("from_logits", o_.from_logits);
    visit("label_smoothing", o_.label_smoothing, {.minimum = 0, .maximum = 1});
    visit("axis", o_.axis);
    visit("apply_class_balancing", o_.apply_class_balancing);
    visit("alpha", o_.alpha);
    visit("gamma", o_.gamma);
  }

  std::optional<bool> from_logits() const override { return o_.from_logits; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return binary_focal_crossentropy(
        y_true,
        y_pred,
        o_.apply_class_balancing,
        o_.alpha,
        o_.gamma,
        o_.from_logits,
        o_.label_smoothing,
        o_.axis);
  }
};

class CategoricalCrossentropyLoss final
    : public KerasLoss<CategoricalCrossentropyOptions> {
 public:
  explicit CategoricalCrossentropyLoss(
      CategoricalCrossentropyOptions options = {})
      : KerasLoss(std::move(options), "categorical_crossentropy") {}

  std::string class_name() const override { return "CategoricalCrossentropy"; }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("from_logits", o_.from_logits);
    visit("label_smoothing", o_.label_smoothing, {.minimum = 0, .maximum = 1});
    visit("axis", o_.axis);
  }

  std::optional<bool> from_logits() const override { return o_.from_logits; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return categorical_crossentropy(
        y_true, y_pred, o_.from_logits, o_.label_smoothing, o_.axis);
  }
};

class CategoricalFocalCrossentropyLoss final
    : public KerasLoss<CategoricalFocalCrossentropyOptions> {
 public:
  explicit CategoricalFocalCrossentropyLoss(
      CategoricalFocalCrossentropyOptions options = {})
      : KerasLoss(std::move(options), "categorical_focal_crossentropy") {}

  std::string class_name() const override {
    return "CategoricalFocalCrossentropy";
  }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("from_logits", o_.from_logits);
    visit("label_smoothing", o_.label_smoothing, {.minimum = 0, .maximum = 1});
    visit("axis", o_.axis);
    visit("alpha", o_.alpha);
    visit("gamma", o_.gamma);
  }

  std::optional<bool> from_logits() const override { return o_.from_logits; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return categorical_focal_crossentropy(
        y_true,
        y_pred,
        o_.alpha,
        o_.gamma,
        o_.from_logits,
        o_.label_smoothing,
        o_.axis);
  }
};

class SparseCategoricalCrossentropyLoss final
    : public KerasLoss<SparseCategoricalCrossentropyOptions> {
 public:
  explicit SparseCategoricalCrossentropyLoss(
      SparseCategoricalCrossentropyOptions options = {})
      : KerasLoss(std::move(options), "sparse_categorical_crossentropy") {}

  std::string class_name() const override {
    return "SparseCategoricalCrossentropy";
  }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("from_logits", o_.from_logits);
    visit("ignore_class", o_.ignore_class);
    visit("axis", o_.axis);
  }

  Config get_config() const override {
    // Keras forgets the axis, of which it takes the last only.
    Config config = KerasLoss::get_config();
    config.erase("axis");
    return config;
  }

  bool casts_labels() const override { return false; }

  bool is_sparse() const override { return true; }

  std::optional<bool> from_logits() const override { return o_.from_logits; }

  std::optional<std::int64_t> ignored_class() const override {
    return o_.ignore_class;
  }

  Value result_mask(const Value& y_true, const Value& losses) const override {
    if (!o_.ignore_class) return {};
    return ops::reshape(
        ops::not_equal(y_true, static_cast<double>(*o_.ignore_class)),
        losses.shape());
  }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return sparse_categorical_crossentropy(
        y_true, y_pred, o_.from_logits, o_.ignore_class, o_.axis);
  }
};

class CategoricalGeneralizedCrossEntropyLoss final
    : public KerasLoss<CategoricalGeneralizedCrossEntropyOptions> {
 public:
  explicit CategoricalGeneralizedCrossEntropyLoss(
      CategoricalGeneralizedCrossEntropyOptions options = {})
      : KerasLoss(std::move(options), "categorical_generalized_cross_entropy") {
  }

  std::string class_name() const override {
    return "CategoricalGeneralizedCrossEntropy";
  }

  void fields(FieldVisitor& visit) override {
    LossImpl::fields(visit);
    visit("q", o_.q);
  }

  void from_config(const Config& config, const std::string& where) override {
    KerasLoss::from_config(config, where);
    check(where);
  }

  /// At 0 it would be the cross-entropy, which it divides by 0 there; at 1 the
  /// mean absolute error.
  void check(const std::string& where) const {
    if (o_.q > 0 && o_.q < 1) return;
    throw InvalidArgument(
        format("[{}] expected q in (0, 1), got {}", where, o_.q));
  }

  bool casts_labels() const override { return false; }

  bool is_sparse() const override { return true; }

  std::optional<bool> from_logits() const override { return false; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return categorical_generalized_cross_entropy(y_true, y_pred, o_.q);
  }
};

template <class Impl, class Options>
Loss make(Options options) {
  return Loss(std::shared_ptr<const LossImpl>(
      std::make_shared<Impl>(std::move(options))));
}

}  // namespace

std::shared_ptr<LossImpl> make_binary_crossentropy() {
  return std::make_shared<BinaryCrossentropyLoss>();
}

Loss BinaryCrossentropy(BinaryCrossentropyOptions options) {
  return make<BinaryCrossentropyLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_binary_focal_crossentropy() {
  return std::make_shared<BinaryFocalCrossentropyLoss>();
}

Loss BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions options) {
  return make<BinaryFocalCrossentropyLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_categorical_crossentropy() {
  return std::make_shared<CategoricalCrossentropyLoss>();
}

Loss CategoricalCrossentropy(CategoricalCrossentropyOptions options) {
  return make<CategoricalCrossentropyLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_categorical_focal_crossentropy() {
  return std::make_shared<CategoricalFocalCrossentropyLoss>();
}

Loss CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions options) {
  return make<CategoricalFocalCrossentropyLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_sparse_categorical_crossentropy() {
  return std::make_shared<SparseCategoricalCrossentropyLoss>();
}

Loss SparseCategoricalCrossentropy(
    SparseCategoricalCrossentropyOptions options) {
  return make<SparseCategoricalCrossentropyLoss>(std::move(options));
}

std::shared_ptr<LossImpl> make_categorical_generalized_cross_entropy() {
  return std::make_shared<CategoricalGeneralizedCrossEntropyLoss>();
}

Loss CategoricalGeneralizedCrossEntropy(
    CategoricalGeneralizedCrossEntropyOptions options) {
  auto impl = std::make_shared<CategoricalGeneralizedCrossEntropyLoss>(
      std::move(options));
  impl->check("CategoricalGeneralizedCrossEntropy");
  return Loss(std::shared_ptr<const LossImpl>(std::move(impl)));
}

}  // namespace keratin::losses
