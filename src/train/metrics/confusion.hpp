#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/metrics/metric.hpp>

namespace keratin::metrics {

/// Weights of the samples by label and prediction at each threshold, [T], or
/// [T, labels] when labels are kept apart.
struct Confusion {
  Value true_positives;
  Value false_positives;
  Value true_negatives;
  Value false_negatives;
};

struct ConfusionOptions {
  std::vector<double> thresholds;
  std::optional<std::int64_t> top_k = {};
  std::optional<std::int64_t> class_id = {};
  bool multi_label = false;
  std::vector<double> label_weights = {};  // not with multi_label
};

/// Keras's update_confusion_matrix_variables, without the variables. Evenly
/// spaced thresholds are counted in buckets, which rounds as Keras does.
Confusion count_confusion(
    const std::string& who,
    const Value& y_true,
    const Value& y_pred,
    const Value& sample_weight,
    DType dtype,
    const ConfusionOptions& options);

/// Whether they are 0, 1 / (n - 1), ..., 1.
bool evenly_spaced(const std::vector<double>& thresholds);

/// The thresholds of an argument that is a number, a list or null. Throws
/// InvalidArgument for numbers out of [0, 1].
std::vector<double> parse_thresholds(
    const Config& config, const std::string& where);

/// Variables of the four counts, or of some of them, that batches add to.
class ConfusionCounts {
 public:
  Variable true_positives;
  Variable false_positives;
  Variable true_negatives;
  Variable false_negatives;

  /// Adds to those that there are.
  void add(CallContext& ctx, const Confusion& batch) const;
};

}  // namespace keratin::metrics
