#include "src/train/metrics/registry.hpp"

#include <array>
#include <utility>

#include "layers/base/naming.hpp"

namespace keratin::metrics {

namespace {

constexpr std::array kMetrics = {
    Entry{"AUC", &make_auc},
    Entry{"Accuracy", &make_accuracy},
    Entry{"BinaryAccuracy", &make_binary_accuracy},
    Entry{"BinaryCrossentropy", &make_binary_crossentropy},
    Entry{"BinaryIoU", &make_binary_iou},
    Entry{"CategoricalAccuracy", &make_categorical_accuracy},
    Entry{"CategoricalCrossentropy", &make_categorical_crossentropy},
    Entry{"CategoricalHinge", &make_categorical_hinge},
    Entry{"ConcordanceCorrelation", &make_concordance_correlation},
    Entry{"CosineSimilarity", &make_cosine_similarity},
    Entry{"F1Score", &make_f1_score},
    Entry{"FBetaScore", &make_fbeta_score},
    Entry{"FalseNegatives", &make_false_negatives},
    Entry{"FalsePositives", &make_false_positives},
    Entry{"Hinge", &make_hinge},
    Entry{"IoU", &make_iou},
    Entry{"KLDivergence", &make_kl_divergence},
    Entry{"LogCoshError", &make_log_cosh_error},
    Entry{"Mean", &make_mean},
    Entry{"MeanAbsoluteError", &make_mean_absolute_error},
    Entry{"MeanAbsolutePercentageError", &make_mean_absolute_percentage_error},
    Entry{"MeanIoU", &make_mean_iou},
    Entry{"MeanSquaredError", &make_mean_squared_error},
    Entry{"MeanSquaredLogarithmicError", &make_mean_squared_logarithmic_error},
    Entry{"OneHotIoU", &make_one_hot_iou},
    Entry{"OneHotMeanIoU", &make_one_hot_mean_iou},
    Entry{"PearsonCorrelation", &make_pearson_correlation},
    Entry{"Poisson", &make_poisson},
    Entry{"Precision", &make_precision},
    Entry{"PrecisionAtRecall", &make_precision_at_recall},
    Entry{"R2Score", &make_r2_score},
    Entry{"Recall", &make_recall},
    Entry{"RecallAtPrecision", &make_recall_at_precision},
    Entry{"RootMeanSquaredError", &make_root_mean_squared_error},
    Entry{"SensitivityAtSpecificity", &make_sensitivity_at_specificity},
    Entry{"SparseCategoricalAccuracy", &make_sparse_categorical_accuracy},
    Entry{
        "SparseCategoricalCrossentropy", &make_sparse_categorical_crossentropy},
    Entry{"SparseTopKCategoricalAccuracy", &make_sparse_top_k},
    Entry{"SpecificityAtSensitivity", &make_specificity_at_sensitivity},
    Entry{"SquaredHinge", &make_squared_hinge},
    Entry{"Sum", &make_sum},
    Entry{"TopKCategoricalAccuracy", &make_top_k},
    Entry{"TrueNegatives", &make_true_negatives},
    Entry{"TruePositives", &make_true_positives},
};

// Besides the snake case of the class names.
constexpr std::array<std::pair<std::string_view, std::string_view>, 15>
    kAliases = {{
        {"bce", "BinaryCrossentropy"},
        {"BCE", "BinaryCrossentropy"},
        {"mse", "MeanSquaredError"},
        {"MSE", "MeanSquaredError"},
        {"mae", "MeanAbsoluteError"},
        {"MAE", "MeanAbsoluteError"},
        {"mape", "MeanAbsolutePercentageError"},
        {"MAPE", "MeanAbsolutePercentageError"},
        {"msle", "MeanSquaredLogarithmicError"},
        {"MSLE", "MeanSquaredLogarithmicError"},
        {"logcosh", "LogCoshError"},
        {"log_cosh", "LogCoshError"},
        {"kld", "KLDivergence"},
        {"rmse", "RootMeanSquaredError"},
        {"fbeta_score", "FBetaScore"},
    }};

}  // namespace

const Entry* find_metric(std::string_view name) {
  for (const auto& [alias, class_name] : kAliases) {
    if (alias == name) name = class_name;
  }
  for (const Entry& entry : kMetrics) {
    if (entry.name == name || to_snake_case(entry.name) == name) return &entry;
  }
  return nullptr;
}

std::vector<std::string> builtin_metric_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kMetrics) names.emplace_back(entry.name);
  return names;
}

std::vector<std::string> metric_spellings() {
  std::vector<std::string> names;
  for (const Entry& entry : kMetrics) {
    names.emplace_back(entry.name);
    names.push_back(to_snake_case(entry.name));
  }
  for (const auto& [alias, class_name] : kAliases) names.emplace_back(alias);
  return names;
}

}  // namespace keratin::metrics
