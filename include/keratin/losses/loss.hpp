#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/dtype.hpp>
#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/shape.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// What a loss is made of. Derive from it for a loss with arguments of its own;
/// for a plain formula give a function to `Loss`.
class KERATIN_API LossImpl : public Serializable {
 public:
  /// reduction: "sum_over_batch_size" (or "mean"), "sum",
  /// "mean_with_sample_weight" or "none". dtype: what to compute in; default:
  /// floatx, or y_pred's when that is wider. Throws InvalidArgument for others.
  explicit LossImpl(
      std::string reduction = "sum_over_batch_size",
      std::string name = {},
      std::string dtype = {});

  std::string module() const override;  // "Custom"; built-ins "keras.losses"

  /// The base visits name, reduction and dtype.
  void fields(FieldVisitor& visit) override;

  /// As Serializable's without dtype, which Keras does not save.
  Config get_config() const override;

  void from_config(const Config& config, const std::string& where) override;

  /// y_true, y_pred: [batch, ...] -> losses, one per sample (and position):
  /// [batch, ...] without the last axis for most. Ranks have been aligned as
  /// Keras does (squeeze_or_expand_to_same_rank) and both have y_pred's dtype.
  virtual Value call(const Value& y_true, const Value& y_pred) const = 0;

  /// Whether y_true is made the dtype of y_pred before `call` (not for class
  /// indices).
  virtual bool casts_labels() const { return true; }

  /// Which of the losses count: bool, as `losses`; empty: all. Arguments as in
  /// `call`, and what it returned.
  virtual Value result_mask(const Value& y_true, const Value& losses) const;

  /// Whether y_pred holds logits (false: probabilities; empty: neither makes
  /// sense). Used to warn about a loss that does not fit the last activation.
  virtual std::optional<bool> from_logits() const { return {}; }

  /// Whether y_true holds class indices of the last axis of y_pred.
  virtual bool is_sparse() const { return false; }

  /// The class index that counts for nothing, if there is one.
  virtual std::optional<std::int64_t> ignored_class() const { return {}; }

  /// "none" also for Keras's None.
  std::string reduction() const { return reduction_.value_or("none"); }

  /// Given, else made from the class name.
  std::string name() const;

  /// What to compute in for predictions of this dtype.
  DType compute_dtype(DType y_pred) const;

 private:
  void validate(const std::string& where) const;

  std::optional<std::string> reduction_;
  std::string name_;
  Config dtype_;  // null: none given
};

/// A handle on a loss: Keras's name ("mse", "mean_squared_error",
/// "sparse_categorical_crossentropy"), one of keratin::losses, or a function of
/// (y_true, y_pred) -> losses per sample.
class KERATIN_API Loss final : public FieldValue {
 public:
  using Function = std::function<Value(const Value&, const Value&)>;

  Loss() = default;  // none

  // NOLINTBEGIN(google-explicit-constructor): names read as losses
  Loss(const char* name);
  Loss(std::string name);
  Loss(std::shared_ptr<const LossImpl> impl);
  Loss(Function function);

  // NOLINTEND(google-explicit-constructor)

  explicit operator bool() const { return impl_ != nullptr || !given_.empty(); }

  /// The reduced loss: a scalar, or per sample when the reduction is "none".
  /// Weights and mask may be empty; both broadcast against the losses as in
  /// Keras (a mask with sum_over_batch_size rescales by its mean). Throws
  /// InvalidArgument naming both shapes when they do not fit.
  Value operator()(
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight = {},
      const Value& mask = {}) const;

  /// The loss that "crossentropy" or "ce" means for these shapes (Keras's
  /// rule: binary, sparse or categorical); any other loss is itself.
  Loss resolve(const Shape& y_true, const Shape& y_pred) const;

  /// REQUIRES: resolved, not none.
  const LossImpl& impl() const { return *impl_; }

  /// The name it was made from, as Keras writes it, else a serialized object.
  /// Throws InvalidArgument for a function that is not registered.
  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::string given_;                     // the name it was made from
  std::shared_ptr<const LossImpl> impl_;  // null for "crossentropy", "ce"
};

/// Makes a function known to files and configs under a name.
KERATIN_API void register_loss(
    const std::string& name, Loss::Function function);

/// Keras's class names, and the functions registered; sorted.
KERATIN_API std::vector<std::string> loss_names();

/// Reduces per-sample values as Keras's reduce_weighted_values. Weights and
/// mask may be empty, are cast to the values' dtype and broadcast against them.
KERATIN_API Value reduce_weighted_values(
    const Value& values,
    const Value& sample_weight,
    const Value& mask,
    const std::string& reduction);

}  // namespace keratin
