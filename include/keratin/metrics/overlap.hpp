#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/metrics/metric.hpp>

namespace keratin::metrics {

struct FBetaScoreOptions {
  /// "micro", "macro", "weighted", or empty: one score per class.
  std::optional<std::string> average = {};
  double beta = 1;
  std::optional<double> threshold = {};  // empty: the largest of p is positive
  std::string name = {};
  std::string dtype = {};
};

struct F1ScoreOptions {
  std::optional<std::string> average = {};
  std::optional<double> threshold = {};
  std::string name = {};
  std::string dtype = {};
};

/// Harmonic mean of precision and recall, recall counting beta times as much.
///
///   y, p: [batch, classes]
KERATIN_API Metric FBetaScore(FBetaScoreOptions options = {});
KERATIN_API Metric F1Score(F1ScoreOptions options = {});

struct IoUOptions {
  std::string name = {};
  std::string dtype = {};  // default: int64
  std::optional<std::int64_t> ignore_class = {};
  bool sparse_y_true = true;  // classes; false: one-hot along axis
  bool sparse_y_pred = true;
  std::int64_t axis = -1;
};

struct OneHotIoUOptions {
  std::string name = {};
  std::string dtype = {};
  std::optional<std::int64_t> ignore_class = {};
  bool sparse_y_pred = false;
  std::int64_t axis = -1;
};

struct BinaryIoUOptions {
  std::vector<std::int64_t> target_class_ids = {0, 1};
  double threshold = 0.5;
  std::string name = {};
  std::string dtype = {};
};

/// Intersection over union of the target classes, averaged.
KERATIN_API Metric
IoU(std::int64_t num_classes,
    std::vector<std::int64_t> target_class_ids,
    IoUOptions options = {});
KERATIN_API Metric BinaryIoU(BinaryIoUOptions options = {});
KERATIN_API Metric MeanIoU(std::int64_t num_classes, IoUOptions options = {});
KERATIN_API Metric OneHotIoU(
    std::int64_t num_classes,
    std::vector<std::int64_t> target_class_ids,
    OneHotIoUOptions options = {});
KERATIN_API Metric
OneHotMeanIoU(std::int64_t num_classes, OneHotIoUOptions options = {});

}  // namespace keratin::metrics
