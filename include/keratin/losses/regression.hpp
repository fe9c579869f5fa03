#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/losses/loss.hpp>

/// Keras's losses. y is y_true, p is y_pred, [batch, ...]; means and sums are
/// over the last axis, so that a loss is [batch, ...] without it. What reduces
/// those, and how weights count, is LossImpl's `reduction`.
namespace keratin::losses {

/// What every loss takes.
struct LossOptions {
  std::string reduction = "sum_over_batch_size";
  std::string name = {};   // default: Keras's, "mean_squared_error"
  std::string dtype = {};  // default: floatx, or y_pred's when it is wider
};

/// mean((y - p)^2).
KERATIN_API Loss MeanSquaredError(LossOptions options = {});

/// mean(|y - p|).
KERATIN_API Loss MeanAbsoluteError(LossOptions options = {});

/// 100 * mean(|y - p| / max(|y|, 1e-7)).
KERATIN_API Loss MeanAbsolutePercentageError(LossOptions options = {});

/// mean((log(y + 1) - log(p + 1))^2); negative numbers count as none.
KERATIN_API Loss MeanSquaredLogarithmicError(LossOptions options = {});

struct HuberOptions {
  double delta = 1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::string dtype = {};
};

/// Half the squared error up to delta, linear beyond it.
KERATIN_API Loss Huber(HuberOptions options = {});

/// mean(log(cosh(p - y))).
KERATIN_API Loss LogCosh(LossOptions options = {});

struct CosineSimilarityOptions {
  std::int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::string dtype = {};
};

/// Minus the cosine of the angle between y and p: -1 is best.
KERATIN_API Loss CosineSimilarity(CosineSimilarityOptions options = {});

/// mean(max(1 - y * p, 0)); labels 0 and 1 become -1 and 1.
KERATIN_API Loss Hinge(LossOptions options = {});

/// mean(max(1 - y * p, 0)^2); labels 0 and 1 become -1 and 1.
KERATIN_API Loss SquaredHinge(LossOptions options = {});

/// max(max((1 - y) * p) - sum(y * p) + 1, 0).
KERATIN_API Loss CategoricalHinge(LossOptions options = {});

/// mean(p - y * log(p)).
KERATIN_API Loss Poisson(LossOptions options = {});

/// sum(y * log(y / p)).
KERATIN_API Loss KLDivergence(LossOptions options = {});

struct DiceOptions {
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::vector<std::int64_t> axis = {};  // empty: all of the tensor
  std::string dtype = {};
};

/// 1 - 2 sum(y * p) / (sum(y) + sum(p)).
KERATIN_API Loss Dice(DiceOptions options = {});

struct TverskyOptions {
  double alpha = 0.5;
  double beta = 0.5;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::vector<std::int64_t> axis = {};  // empty: all of the tensor
  std::string dtype = {};
};

/// Dice with weights alpha and beta of what is missed and what is made up.
KERATIN_API Loss Tversky(TverskyOptions options = {});

struct CircleOptions {
  double gamma = 80;
  double margin = 0.4;
  bool remove_diagonal = true;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::string dtype = {};
};

/// Circle loss of embeddings of length 1 (Sun et al., 2020).
///
///   y_true: [batch] class indices   y_pred: [batch, features]
KERATIN_API Loss Circle(CircleOptions options = {});

/// Connectionist temporal classification: how likely the labels are over all
/// ways to spread them over the steps. Class 0 is the blank, and pads labels.
///
///   y_true: [batch, length] class indices   y_pred: [batch, steps, classes]
///   logits
KERATIN_API Loss CTC(LossOptions options = {});

}  // namespace keratin::losses
