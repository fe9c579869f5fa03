#pragma once

#include <array>
#include <span>
#include <string_view>

namespace keratin::testing {

/// One number measured on each of 10,000 draws.
struct KerasMeasure {
  double mean;
  double mean_error;  // standard error
  double variance;
  double variance_error;
  double low;
  double high;
};

/// What random_draws_keras.py recorded for a layer.
struct KerasDraws {
  std::string_view layer;  // serialized
  int call;                // images in a call
  std::array<KerasMeasure, 3> measures;
};

std::span<const KerasDraws> keras_draws();

}  // namespace keratin::testing
