#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <keratin/layer.hpp>

namespace keratin::layers {

/// Low-rank adaptation (Hu et al., 2021) of one weight: the weight stays as it
/// is, and a . b * (alpha / rank), two thin matrices, is trained beside it.
/// Files hold the sum and no matrices, as Keras's do.
///
///   weight: [..., n]   a: [..., rank]   b: [rank, n]
class Lora {
 public:
  Lora() = default;

  Lora(std::optional<std::int64_t> rank, std::optional<double> alpha)
      : rank_(rank), alpha_(alpha) {}

  void fields(FieldVisitor& visit);

  /// Keras writes the arguments only when there is a rank.
  void write(Config& config) const;

  explicit operator bool() const { return rank_.has_value(); }

  using AddWeight = std::function<Variable(
      const std::string&, const Shape&, const WeightOptions&)>;

  /// Makes `stem`_a and `stem`_b and freezes the weight. The matrices are never
  /// less than float32, so that small changes are not lost.
  void build(
      const Variable& weight,
      const std::string& stem,
      const Regularizer& regularizer,
      const AddWeight& add_weight);

  /// The weight's value with the change; as it is when there is no rank.
  Value apply(CallContext& ctx, const Value& weight) const;

  /// Rows of the change, for indices of the weight's first axis.
  Value take(CallContext& ctx, const Value& indices) const;

  bool is_matrix(const Variable& variable) const {
    return rank_ && (variable == a_ || variable == b_);
  }

  bool is_weight(const Variable& variable) const {
    return rank_ && variable == weight_;
  }

  /// The weight and the change together, as files hold it.
  Tensor merged() const;

  /// The change is none: what a file holds is all in the weight.
  void clear() const;

 private:
  double scale() const;

  std::optional<std::int64_t> rank_;
  std::optional<double> alpha_;
  Variable weight_;
  Variable a_;
  Variable b_;
};

}  // namespace keratin::layers
