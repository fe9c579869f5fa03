#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <keratin/keratin.hpp>

/// The models that are timed, as the peers' scripts of this folder have them:
/// layers, sizes, batch and optimizer.
namespace keratin::benchmarks {

struct Workload {
  std::string name;
  std::int64_t batch = 0;
  std::int64_t steps = 0;  // of an epoch, when training
  Shape input;             // of one sample
  std::int64_t words = 0;  // > 0: the input is integers below it
  std::int64_t classes = 0;
  std::string loss;
  Optimizer optimizer;
  /// For samples of shape `input`. Dropout as defined, or none: then all
  /// programs compute the same.
  Model (*model)(const Shape& input, bool dropout);
};

/// Every name, in the order of the table.
std::vector<std::string> workload_names();

/// Throws InvalidArgument for an unknown name, naming all.
Workload workload(const std::string& name);

struct Samples {
  Tensor x;
  Tensor y;
};

/// Made-up samples, the same in every run: normal or words, and labels.
Samples make_samples(const Workload& workload, std::int64_t count);

}  // namespace keratin::benchmarks
