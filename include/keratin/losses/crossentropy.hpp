#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <keratin/export.hpp>
#include <keratin/losses/loss.hpp>

namespace keratin::losses {

struct BinaryCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;  // in [0, 1]: labels move so far towards 0.5
  std::int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::string dtype = {};
};

/// -mean(y * log(p) + (1 - y) * log(1 - p)); y and p have one shape. As in
/// Keras, probabilities are kept 1e-7 away from 0 and 1, and those that come
/// straight from a sigmoid are computed from its logits.
KERATIN_API Loss BinaryCrossentropy(BinaryCrossentropyOptions options = {});

struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;
  double alpha = 0.25;
  double gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  std::int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::string dtype = {};
};

/// BinaryCrossentropy times (1 - p of the label)^gamma (Lin et al., 2018).
KERATIN_API Loss
BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions options = {});

struct CategoricalCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0;  // in [0, 1]: towards equal classes
  std::int64_t axis = -1;      // of the classes
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::string dtype = {};
};

/// -sum(y * log(p)) over the classes; y (one-hot or probabilities) and p have
/// one shape. As in Keras, p is divided by its sum and kept 1e-7 away from 0
/// and 1, and what comes straight from a softmax is computed from its logits.
KERATIN_API Loss
CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});

struct CategoricalFocalCrossentropyOptions {
  double alpha = 0.25;
  double gamma = 2;
  bool from_logits = false;
  double label_smoothing = 0;
  std::int64_t axis = -1;
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::string dtype = {};
};

/// CategoricalCrossentropy with each class times alpha * (1 - p)^gamma.
KERATIN_API Loss
CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions options = {});

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<std::int64_t> ignore_class = {};  // labels that do not count
  std::string reduction = "sum_over_batch_size";
  std::int64_t axis = -1;  // of the classes; only the last, as in Keras
  std::string name = {};
  std::string dtype = {};
};

/// CategoricalCrossentropy with class indices as labels.
///
///   y_true: [batch, ...] or [batch, ..., 1]   y_pred: [batch, ..., classes]
KERATIN_API Loss SparseCategoricalCrossentropy(
    SparseCategoricalCrossentropyOptions options = {});

struct CategoricalGeneralizedCrossEntropyOptions {
  double q = 0.5;  // in (0, 1)
  std::string reduction = "sum_over_batch_size";
  std::string name = {};
  std::string dtype = {};
};

/// (1 - (p of the label)^q) / q for class indices (Zhang and Sabuncu, 2018).
KERATIN_API Loss CategoricalGeneralizedCrossEntropy(
    CategoricalGeneralizedCrossEntropyOptions options = {});

}  // namespace keratin::losses
