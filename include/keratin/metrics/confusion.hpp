#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/metrics/metric.hpp>

namespace keratin::metrics {

struct ThresholdOptions {
  std::vector<double> thresholds = {};  // in [0, 1]; default: 0.5
  std::string name = {};
  std::string dtype = {};
};

// How many (what weight of) samples are what at p > threshold; one figure per
// threshold.
KERATIN_API Metric TruePositives(ThresholdOptions options = {});
KERATIN_API Metric TrueNegatives(ThresholdOptions options = {});
KERATIN_API Metric FalsePositives(ThresholdOptions options = {});
KERATIN_API Metric FalseNegatives(ThresholdOptions options = {});

struct PrecisionOptions {
  std::vector<double> thresholds = {};  // default: 0.5; with top_k: none
  std::optional<std::int64_t> top_k = {};
  std::optional<std::int64_t> class_id = {};  // of this class only
  std::string name = {};
  std::string dtype = {};
};

using RecallOptions = PrecisionOptions;

/// True positives over all that p says is positive.
KERATIN_API Metric Precision(PrecisionOptions options = {});

/// True positives over all that y says is positive.
KERATIN_API Metric Recall(RecallOptions options = {});

struct AtOptions {
  std::int64_t num_thresholds = 200;
  std::optional<std::int64_t> class_id = {};
  std::string name = {};
  std::string dtype = {};
};

/// The best sensitivity (recall) at a specificity of at least this. In [0, 1].
KERATIN_API Metric
SensitivityAtSpecificity(double specificity, AtOptions options = {});

/// The best specificity at a sensitivity of at least this. In [0, 1].
KERATIN_API Metric
SpecificityAtSensitivity(double sensitivity, AtOptions options = {});

/// The best precision at a recall of at least this. In [0, 1].
KERATIN_API Metric PrecisionAtRecall(double recall, AtOptions options = {});

/// The best recall at a precision of at least this. In [0, 1].
KERATIN_API Metric RecallAtPrecision(double precision, AtOptions options = {});

struct AUCOptions {
  std::int64_t num_thresholds = 200;
  std::string curve = "ROC";  // "ROC", "PR" or "PRGAIN"
  /// "interpolation", "minoring" or "majoring".
  std::string summation_method = "interpolation";
  std::string name = {};
  std::string dtype = {};
  std::optional<std::vector<double>> thresholds = {};  // else evenly spaced
  bool multi_label = false;  // p: [batch, labels], an area for each, averaged
  std::optional<std::int64_t> num_labels = {};
  std::optional<std::vector<double>> label_weights = {};
  bool from_logits = false;
};

/// Area under the curve, approximated from counts at thresholds.
KERATIN_API Metric AUC(AUCOptions options = {});

}  // namespace keratin::metrics
