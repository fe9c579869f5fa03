#include "losses/registry.hpp"

#include <array>

namespace keratin::losses {

namespace {

constexpr std::array kLosses = {
    Entry{"BinaryCrossentropy", &make_binary_crossentropy},
    Entry{"BinaryFocalCrossentropy", &make_binary_focal_crossentropy},
    Entry{"CTC", &make_ctc},
    Entry{"CategoricalCrossentropy", &make_categorical_crossentropy},
    Entry{"CategoricalFocalCrossentropy", &make_categorical_focal_crossentropy},
    Entry{
        "CategoricalGeneralizedCrossEntropy",
        &make_categorical_generalized_cross_entropy},
    Entry{"CategoricalHinge", &make_categorical_hinge},
    Entry{"Circle", &make_circle},
    Entry{"CosineSimilarity", &make_cosine_similarity},
    Entry{"Dice", &make_dice},
    Entry{"Hinge", &make_hinge},
    Entry{"Huber", &make_huber},
    Entry{"KLDivergence", &make_kl_divergence},
    Entry{"LogCosh", &make_log_cosh},
    Entry{"MeanAbsoluteError", &make_mean_absolute_error},
    Entry{"MeanAbsolutePercentageError", &make_mean_absolute_percentage_error},
    Entry{"MeanSquaredError", &make_mean_squared_error},
    Entry{"MeanSquaredLogarithmicError", &make_mean_squared_logarithmic_error},
    Entry{"Poisson", &make_poisson},
    Entry{
        "SparseCategoricalCrossentropy", &make_sparse_categorical_crossentropy},
    Entry{"SquaredHinge", &make_squared_hinge},
    Entry{"Tversky", &make_tversky},
};

// Keras's functions, its short names, and names of Keras 1 and 2.
constexpr std::array kAliases = {
    Alias{"bce", "BinaryCrossentropy"},
    Alias{"BCE", "BinaryCrossentropy"},
    Alias{"binary_crossentropy", "BinaryCrossentropy"},
    Alias{"binary_focal_crossentropy", "BinaryFocalCrossentropy"},
    Alias{"categorical_crossentropy", "CategoricalCrossentropy"},
    Alias{"categorical_focal_crossentropy", "CategoricalFocalCrossentropy"},
    Alias{
        "categorical_generalized_cross_entropy",
        "CategoricalGeneralizedCrossEntropy"},
    Alias{"categorical_hinge", "CategoricalHinge"},
    Alias{"circle", "Circle"},
    Alias{"cosine_similarity", "CosineSimilarity"},
    Alias{"ctc", "CTC"},
    Alias{"dice", "Dice"},
    Alias{"hinge", "Hinge"},
    Alias{"huber", "Huber"},
    Alias{"huber_loss", "Huber"},
    Alias{"kl_divergence", "KLDivergence"},
    Alias{"kld", "KLDivergence"},
    Alias{"KLD", "KLDivergence"},
    Alias{"kullback_leibler_divergence", "KLDivergence"},
    Alias{"log_cosh", "LogCosh"},
    Alias{"logcosh", "LogCosh"},
    Alias{"mae", "MeanAbsoluteError"},
    Alias{"MAE", "MeanAbsoluteError"},
    Alias{"mape", "MeanAbsolutePercentageError"},
    Alias{"MAPE", "MeanAbsolutePercentageError"},
    Alias{"mean_absolute_error", "MeanAbsoluteError"},
    Alias{"mean_absolute_percentage_error", "MeanAbsolutePercentageError"},
    Alias{"mean_squared_error", "MeanSquaredError"},
    Alias{"mean_squared_logarithmic_error", "MeanSquaredLogarithmicError"},
    Alias{"mse", "MeanSquaredError"},
    Alias{"MSE", "MeanSquaredError"},
    Alias{"msle", "MeanSquaredLogarithmicError"},
    Alias{"MSLE", "MeanSquaredLogarithmicError"},
    Alias{"poisson", "Poisson"},
    Alias{"sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"},
    Alias{"squared_hinge", "SquaredHinge"},
    Alias{"tversky", "Tversky"},
};

}  // namespace

const Entry* find_loss(std::string_view name) {
  for (const Alias& alias : kAliases) {
    if (alias.name == name) name = alias.class_name;
  }
  for (const Entry& entry : kLosses) {
    if (entry.name == name) return &entry;
  }
  return nullptr;
}

std::span<const Alias> loss_aliases() {
  return kAliases;
}

std::vector<std::string> builtin_loss_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kLosses) names.emplace_back(entry.name);
  return names;
}

}  // namespace keratin::losses
