#include <algorithm>
#include <random>

#include <keratin/data/directory.hpp>
#include <keratin/error.hpp>
#include <keratin/random.hpp>

#include "src/core/format.hpp"
#include "src/data/directory_index.hpp"

namespace keratin::utils {
namespace {

constexpr const char* kWho = "[timeseries_dataset_from_array]";

void require(
    bool holds,
    const char* what,
    const std::string& expected,
    std::int64_t got) {
  if (holds) return;
  throw InvalidArgument(
      format("{} expected {} {}, got {}", kWho, what, expected, got));
}

void check(
    const Tensor& data,
    std::int64_t sequence_length,
    const TimeseriesDatasetOptions& options) {
  if (data.rank() == 0 || data.shape()[0] == 0) {
    throw InvalidArgument(format(
        "{} expected data with time steps along its first axis, got {}{}",
        kWho,
        data.dtype(),
        data.shape()));
  }
  const std::int64_t length = data.shape()[0];
  const std::string below = format("from 1 to {}", length - 1);
  require(sequence_length >= 1, "sequence_length", ">= 1", sequence_length);
  require(
      options.sampling_rate >= 1 && options.sampling_rate < length,
      "sampling_rate",
      below,
      options.sampling_rate);
  require(
      options.sequence_stride >= 1 && options.sequence_stride < length,
      "sequence_stride",
      below,
      options.sequence_stride);
  const std::int64_t batch = options.batch_size.value_or(1);
  require(batch >= 1, "batch_size", ">= 1", batch);
  const std::int64_t start = options.start_index.value_or(0);
  require(
      start >= 0 && start < length,
      "start_index",
      format("from 0 to {}", length - 1),
      start);
  const std::int64_t end = options.end_index.value_or(length);
  require(
      !options.end_index || (end > start && end < length),
      "end_index",
      format("from {} to {}", start + 1, length - 1),
      end);
}

}  // namespace

data::Dataset timeseries_dataset_from_array(
    const Tensor& data,
    const std::optional<Tensor>& targets,
    std::int64_t sequence_length,
    const TimeseriesDatasetOptions& options) {
  check(data, sequence_length, options);
  const std::int64_t start = options.start_index.value_or(0);
  const std::int64_t end = options.end_index.value_or(data.shape()[0]);
  const std::int64_t rate = options.sampling_rate;
  std::int64_t windows = end - start - (sequence_length - 1) * rate;
  if (targets) {
    if (targets->rank() == 0) {
      throw InvalidArgument(format(
          "{} expected targets with a row for each time step, got a scalar",
          kWho));
    }
    windows = std::min(windows, targets->shape()[0]);
  }
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < windows; i += options.sequence_stride) {
    starts.push_back(start + i);
  }
  const std::uint64_t seed = options.seed ? *options.seed : next_seed();
  if (options.shuffle) {
    numpy_shuffle(starts, static_cast<std::uint32_t>(seed));
  }
  data::Dataset dataset =
      data::Dataset::from_tensor_slices(Tensor(starts))
          .map([data, targets, sequence_length, rate](data::Element element) {
            const auto first = element.x.tensors()[0].item<std::int64_t>();
            std::vector<std::int64_t> steps;
            for (std::int64_t k = 0; k < sequence_length; ++k) {
              steps.push_back(first + k * rate);
            }
            element.x = data.take(steps);
            if (targets) {
              if (first >= targets->shape()[0]) {
                throw InvalidArgument(format(
                    "{} expected a target for time step {}, got {} targets",
                    kWho,
                    first,
                    targets->shape()[0]));
              }
              element.y = (*targets)[first];
            }
            return element;
          });
  if (options.batch_size && options.shuffle) {
    dataset = dataset.shuffle(*options.batch_size * 8, {.seed = seed});
  } else if (options.shuffle) {
    dataset = dataset.shuffle(1024, {.seed = seed});
  }
  if (options.batch_size) dataset = dataset.batch(*options.batch_size);
  return dataset.prefetch(data::kAutotune);
}

}  // namespace keratin::utils
