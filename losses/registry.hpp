#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/losses/loss.hpp>

namespace keratin::losses {

/// A loss that comes with Keratin, under Keras's class name.
struct Entry {
  std::string_view name;
  std::shared_ptr<LossImpl> (*make)();
};

/// Another spelling of a class name: "mse".
struct Alias {
  std::string_view name;
  std::string_view class_name;
};

/// By class name or another spelling; null when there is none.
const Entry* find_loss(std::string_view name);

std::span<const Alias> loss_aliases();

std::vector<std::string> builtin_loss_names();

// One of each with its defaults.
std::shared_ptr<LossImpl> make_binary_crossentropy();
std::shared_ptr<LossImpl> make_binary_focal_crossentropy();
std::shared_ptr<LossImpl> make_categorical_crossentropy();
std::shared_ptr<LossImpl> make_categorical_focal_crossentropy();
std::shared_ptr<LossImpl> make_categorical_generalized_cross_entropy();
std::shared_ptr<LossImpl> make_categorical_hinge();
std::shared_ptr<LossImpl> make_circle();
std::shared_ptr<LossImpl> make_cosine_similarity();
std::shared_ptr<LossImpl> make_ctc();
std::shared_ptr<LossImpl> make_dice();
std::shared_ptr<LossImpl> make_hinge();
std::shared_ptr<LossImpl> make_huber();
std::shared_ptr<LossImpl> make_kl_divergence();
std::shared_ptr<LossImpl> make_log_cosh();
std::shared_ptr<LossImpl> make_mean_absolute_error();
std::shared_ptr<LossImpl> make_mean_absolute_percentage_error();
std::shared_ptr<LossImpl> make_mean_squared_error();
std::shared_ptr<LossImpl> make_mean_squared_logarithmic_error();
std::shared_ptr<LossImpl> make_poisson();
std::shared_ptr<LossImpl> make_sparse_categorical_crossentropy();
std::shared_ptr<LossImpl> make_squared_hinge();
std::shared_ptr<LossImpl> make_tversky();

}  // namespace keratin::losses
