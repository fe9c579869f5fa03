// From losses per sample to one number, as keras/src/losses/loss.py.

#include "losses/reduce.hpp"

#include <algorithm>
#include <array>

#include <keratin/error.hpp>
#include <keratin/losses/loss.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace losses {

Value apply_mask(
    const Value& sample_weight,
    const Value& mask,
    DType dtype,
    const std::string& reduction) {
  if (!mask) return sample_weight;
  Value weight = ops::cast(mask, dtype);
  if (reduction == "mean" || reduction == "sum_over_batch_size") {
    // What counts weighs total / valid, so that the mean over all is the mean
    // over what counts.
    const auto total = static_cast<double>(weight.shape().size());
    const Value valid = ops::sum(weight);  // may be none
    weight = weight * divide_no_nan(ops::full_like(valid, total), valid);
  }
  if (!sample_weight) return weight;
  const auto [a, b] =
      squeeze_or_expand_to_same_rank(weight, ops::cast(sample_weight, dtype));
  return b * a;
}

}  // namespace losses

Value reduce_weighted_values(
    const Value& values,
    const Value& sample_weight,
    const Value& mask,
    const std::string& reduction) {
  Value losses = values;
  Value weight =
      losses::apply_mask(sample_weight, mask, values.dtype(), reduction);
  if (weight) {
    const auto [v, w] = losses::squeeze_or_expand_to_same_rank(
        values, ops::cast(weight, values.dtype()));
    try {
      broadcast_shapes(v.shape(), w.shape());
    } catch (const InvalidArgument&) {
      throw InvalidArgument(format(
          "[loss] sample_weight of shape {} does not fit losses of shape {}; "
          "give one weight per sample and position, or axes of 1",
          sample_weight ? sample_weight.shape() : w.shape(),
          values.shape()));
    }
    losses = v * w;
    weight = w;
  }
  if (reduction == "none" || losses.rank() == 0 || losses.shape() == Shape{0}) {
    return losses;
  }
  const Value sum = ops::sum(losses);
  if (reduction == "sum") return sum;
  if (reduction == "mean_with_sample_weight" && weight) {
    return losses::divide_no_nan(sum, ops::sum(weight));
  }
  const std::int64_t count = losses.shape().size();
  return count == 0 ? sum : sum / static_cast<double>(count);
}

}  // namespace keratin
