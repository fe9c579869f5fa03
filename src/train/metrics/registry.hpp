#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/metrics/metric.hpp>

namespace keratin::metrics {

/// A metric that comes with Keratin, under Keras's class name.
struct Entry {
  std::string_view name;
  std::shared_ptr<MetricImpl> (*make)();
};

/// By class name, its snake case, or a short name ("mse"); null when there is
/// none.
const Entry* find_metric(std::string_view name);

/// Class names.
std::vector<std::string> builtin_metric_names();

/// Every spelling.
std::vector<std::string> metric_spellings();

/// An average of a function, by the name it goes by.
std::shared_ptr<MetricImpl> make_function_metric(
    Metric::Function function, std::string name);

// One of each with its defaults. Those that need arguments are filled from a
// config.
std::shared_ptr<MetricImpl> make_accuracy();
std::shared_ptr<MetricImpl> make_auc();
std::shared_ptr<MetricImpl> make_binary_accuracy();
std::shared_ptr<MetricImpl> make_binary_crossentropy();
std::shared_ptr<MetricImpl> make_binary_iou();
std::shared_ptr<MetricImpl> make_categorical_accuracy();
std::shared_ptr<MetricImpl> make_categorical_crossentropy();
std::shared_ptr<MetricImpl> make_categorical_hinge();
std::shared_ptr<MetricImpl> make_concordance_correlation();
std::shared_ptr<MetricImpl> make_cosine_similarity();
std::shared_ptr<MetricImpl> make_f1_score();
std::shared_ptr<MetricImpl> make_false_negatives();
std::shared_ptr<MetricImpl> make_false_positives();
std::shared_ptr<MetricImpl> make_fbeta_score();
std::shared_ptr<MetricImpl> make_hinge();
std::shared_ptr<MetricImpl> make_iou();
std::shared_ptr<MetricImpl> make_kl_divergence();
std::shared_ptr<MetricImpl> make_log_cosh_error();
std::shared_ptr<MetricImpl> make_mean();
std::shared_ptr<MetricImpl> make_mean_absolute_error();
std::shared_ptr<MetricImpl> make_mean_absolute_percentage_error();
std::shared_ptr<MetricImpl> make_mean_iou();
std::shared_ptr<MetricImpl> make_mean_squared_error();
std::shared_ptr<MetricImpl> make_mean_squared_logarithmic_error();
std::shared_ptr<MetricImpl> make_one_hot_iou();
std::shared_ptr<MetricImpl> make_one_hot_mean_iou();
std::shared_ptr<MetricImpl> make_pearson_correlation();
std::shared_ptr<MetricImpl> make_poisson();
std::shared_ptr<MetricImpl> make_precision();
std::shared_ptr<MetricImpl> make_precision_at_recall();
std::shared_ptr<MetricImpl> make_r2_score();
std::shared_ptr<MetricImpl> make_recall();
std::shared_ptr<MetricImpl> make_recall_at_precision();
std::shared_ptr<MetricImpl> make_root_mean_squared_error();
std::shared_ptr<MetricImpl> make_sensitivity_at_specificity();
std::shared_ptr<MetricImpl> make_sparse_categorical_accuracy();
std::shared_ptr<MetricImpl> make_sparse_categorical_crossentropy();
std::shared_ptr<MetricImpl> make_sparse_top_k();
std::shared_ptr<MetricImpl> make_specificity_at_sensitivity();
std::shared_ptr<MetricImpl> make_squared_hinge();
std::shared_ptr<MetricImpl> make_sum();
std::shared_ptr<MetricImpl> make_top_k();
std::shared_ptr<MetricImpl> make_true_negatives();
std::shared_ptr<MetricImpl> make_true_positives();

}  // namespace keratin::metrics
