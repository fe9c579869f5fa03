#pragma once

#include <cstdint>
#include <vector>

/// Keras's approximate quantiles, as Discretization finds its boundaries.
namespace keratin::text {

/// Values in ascending order, each with how many it stands for.
struct Summary {
  std::vector<float> values;
  std::vector<float> weights;
};

/// About 1 / epsilon of the values, evenly spaced by rank.
Summary summarize(std::vector<float> values, double epsilon);

/// Both, compressed to about 1 / epsilon values.
Summary merge(const Summary& first, const Summary& second, double epsilon);

/// The num_bins - 1 (at most) values between bins of equal weight.
std::vector<float> boundaries(const Summary& summary, std::int64_t num_bins);

}  // namespace keratin::text
