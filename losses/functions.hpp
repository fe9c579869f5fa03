#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/value.hpp>

/// Keras's loss functions: losses and the metrics of the same names are made of
/// them. y_true is cast to y_pred's dtype, which is floating; ranks are aligned
/// where Keras does. Each throws InvalidArgument naming both shapes when they
/// do not fit.
namespace keratin::losses {

/// keras.backend.epsilon().
inline constexpr double kEpsilon = 1e-7;

struct Pair {
  Value y_true;
  Value y_pred;
};

/// Keras's squeeze_or_expand_to_same_rank: when one has an axis of 1 more.
Pair squeeze_or_expand_to_same_rank(Value y_true, Value y_pred);

/// y / x, 0 where x is 0.
Value divide_no_nan(const Value& y, const Value& x);

/// x divided by its length along an axis; zeros stay.
Value normalize(const Value& x, std::int64_t axis);

Value mean_squared_error(const Value& y_true, const Value& y_pred);
Value mean_absolute_error(const Value& y_true, const Value& y_pred);
Value mean_absolute_percentage_error(const Value& y_true, const Value& y_pred);
Value mean_squared_logarithmic_error(const Value& y_true, const Value& y_pred);
Value huber(const Value& y_true, const Value& y_pred, double delta = 1);
Value log_cosh(const Value& y_true, const Value& y_pred);
Value cosine_similarity(
    const Value& y_true, const Value& y_pred, std::int64_t axis = -1);
Value hinge(const Value& y_true, const Value& y_pred);
Value squared_hinge(const Value& y_true, const Value& y_pred);
Value categorical_hinge(const Value& y_true, const Value& y_pred);
Value poisson(const Value& y_true, const Value& y_pred);
Value kl_divergence(const Value& y_true, const Value& y_pred);
Value dice(
    const Value& y_true,
    const Value& y_pred,
    const std::vector<std::int64_t>& axes = {});
Value tversky(
    const Value& y_true,
    const Value& y_pred,
    double alpha = 0.5,
    double beta = 0.5,
    const std::vector<std::int64_t>& axes = {});
Value circle(
    const Value& y_true,
    const Value& y_pred,
    double gamma = 80,
    double margin = 0.4,
    bool remove_diagonal = true);

Value binary_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    bool from_logits = false,
    double label_smoothing = 0,
    std::int64_t axis = -1);
Value binary_focal_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    bool apply_class_balancing = false,
    double alpha = 0.25,
    double gamma = 2,
    bool from_logits = false,
    double label_smoothing = 0,
    std::int64_t axis = -1);
Value categorical_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    bool from_logits = false,
    double label_smoothing = 0,
    std::int64_t axis = -1);
Value categorical_focal_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    double alpha = 0.25,
    double gamma = 2,
    bool from_logits = false,
    double label_smoothing = 0,
    std::int64_t axis = -1);
Value sparse_categorical_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    bool from_logits = false,
    std::optional<std::int64_t> ignore_class = {},
    std::int64_t axis = -1);
Value categorical_generalized_cross_entropy(
    const Value& y_true, const Value& y_pred, double q = 0.5);
Value ctc(const Value& y_true, const Value& y_pred);

/// Labels of a sparse loss as indices [...] for predictions [..., classes].
Value class_indices(const Value& y_true, const Value& y_pred);

}  // namespace keratin::losses
