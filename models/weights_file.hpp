#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <keratin/model.hpp>

#include "src/io/hdf5_reader.hpp"

namespace keratin {

/// Where Keras 3 keeps each group of variables in a weights file:
/// "layers/dense/vars", one dataset per variable: "0", "1", ...
struct WeightGroup {
  std::string path;  // ends in "vars"
  std::string name;  // the layer's, kept as an attribute
  std::vector<Variable> variables;
};

/// All groups of a model in Keras's order; with the optimizer's when it has
/// been built.
std::vector<WeightGroup> weight_groups(
    const ModelImpl& model, bool with_optimizer);

/// The content of a ".weights.h5" file.
std::vector<std::byte> write_weights(
    const ModelImpl& model, bool with_optimizer);

struct ReadWeightsOptions {
  bool optimizer = false;      // the optimizer's as well
  bool skip_mismatch = false;  // leave alone what does not fit
};

/// Reads a weights file into the model. Everything is checked before anything
/// is changed: InvalidArgument lists every missing, unexpected and mis-shaped
/// weight.
void read_weights(
    const ModelImpl& model,
    const h5::File& file,
    const std::string& source,
    const ReadWeightsOptions& options);

}  // namespace keratin
