#pragma once

#include <cstddef>
#include <optional>
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
  const LayerImpl* layer = nullptr;  // null: the optimizer's
};

/// All groups of a model in Keras's order; with the optimizer's when it has
/// been built.
std::vector<WeightGroup> weight_groups(
    const ModelImpl& model, bool with_optimizer);

/// The content of a ".weights.h5" file.
std::vector<std::byte> write_weights(
    const ModelImpl& model, bool with_optimizer);

/// The files that together hold a model's weights: one, or the shards that a
/// ".weights.json" lists.
class WeightFiles {
 public:
  explicit WeightFiles(h5::File file) : files_{std::move(file)} {}

  explicit WeightFiles(std::vector<h5::File> files)
      : files_(std::move(files)) {}

  std::optional<h5::Object> find(const std::string& path) const;

  const std::vector<h5::File>& all() const { return files_; }

 private:
  std::vector<h5::File> files_;
};

/// The shards of a ".weights.json", which must lie beside it under plain names.
WeightFiles open_shards(const std::string& path);

struct ReadWeightsOptions {
  bool optimizer = false;      // the optimizer's as well
  bool skip_mismatch = false;  // leave alone what does not fit
};

/// Reads a weights file into the model. Everything is checked before anything
/// is changed: InvalidArgument lists every missing, unexpected and mis-shaped
/// weight. An optimizer that the file has another number of variables of is
/// left alone, with a warning, as in Keras.
void read_weights(
    const ModelImpl& model,
    const WeightFiles& files,
    const std::string& source,
    const ReadWeightsOptions& options);

}  // namespace keratin
