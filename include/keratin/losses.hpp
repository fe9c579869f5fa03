#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/call_context.hpp>
#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/tensor.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// What a loss is made of. Derive from it for a loss with state or arguments;
/// for a plain formula give a function to `Loss`.
class KERATIN_API LossImpl : public Serializable {
 public:
  explicit LossImpl(
      std::string reduction = "sum_over_batch_size",
      std::string name = {},
      std::string dtype = {});

  std::string module() const override;  // "Custom"; built-ins "keras.losses"

  /// The base visits name, reduction and dtype.
  void fields(FieldVisitor& visit) override;

  /// y_true, y_pred: [batch, ...] -> losses, one per sample (and position):
  /// [batch, ...] without the last axis for most. Ranks have been aligned as
  /// Keras does (squeeze_or_expand_to_same_rank) and both have y_pred's dtype.
  virtual Value call(const Value& y_true, const Value& y_pred) const = 0;

  /// Whether y_true is made the dtype of y_pred before `call` (not for class
  /// indices).
  virtual bool casts_labels() const { return true; }

  /// Whether y_pred holds logits (false: probabilities; empty: neither makes
  /// sense). Used to warn about a loss that does not fit the last activation.
  virtual std::optional<bool> from_logits() const { return {}; }

  /// Whether y_true holds class indices of the last axis of y_pred.
  virtual bool is_sparse() const { return false; }

  /// The class index that counts for nothing, if there is one.
  virtual std::optional<std::int64_t> ignored_class() const { return {}; }

  const std::string& reduction() const { return reduction_; }

  std::string name() const;

 private:
  std::string reduction_;
  std::string name_;
  std::string dtype_;
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

  explicit operator bool() const {
    return impl_ != nullptr || !generic_.empty();
  }

  /// The reduced loss: a scalar, or per sample when the reduction is "none".
  /// Weights and mask may be empty; both broadcast against the losses as in
  /// Keras (a mask with sum_over_batch_size rescales by its mean).
  Value operator()(
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight = {},
      const Value& mask = {}) const;

  /// The loss that "crossentropy" or "ce" means for these shapes (Keras's
  /// rule: binary, sparse or categorical); any other loss is itself.
  Loss resolve(const Shape& y_true, const Shape& y_pred) const;

  const LossImpl& impl() const { return *impl_; }

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::string generic_;  // "crossentropy" or "ce" until resolved
  std::shared_ptr<const LossImpl> impl_;
};

/// Makes a function known to files and configs under a name.
KERATIN_API void register_loss(
    const std::string& name, Loss::Function function);

KERATIN_API std::vector<std::string> loss_names();

/// Reduces per-sample values as Keras's reduce_weighted_values.
KERATIN_API Value reduce_weighted_values(
    const Value& values,
    const Value& sample_weight,
    const Value& mask,
    const std::string& reduction);

}  // namespace keratin
