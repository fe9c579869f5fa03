#pragma once

#include <optional>
#include <string>
#include <vector>

#include <keratin/model.hpp>

#include "models/legacy/arrays.hpp"
#include "src/io/hdf5_reader.hpp"

/// Weights in the HDF5 files of Keras 1 and 2: a group per layer, whose
/// attribute weight_names orders the arrays in it.
namespace keratin::legacy {

/// The strings of an attribute; long lists were split over name0, name1, ...
std::vector<std::string> texts(
    const h5::Object& group, const std::string& name);

struct SavedLayer {
  std::string name;
  std::vector<Array> arrays;  // in the order of weight_names
};

/// What wrote the weights, as far as the file tells.
struct Writer {
  int keras = 1;        // major version
  std::string backend;  // "tensorflow", "theano", "" where it was not noted

  /// Whether kernels of convolutions are in Theano's order, [out, in, rows,
  /// columns], and their layers had no data_format to tell.
  bool theano_kernels = false;

  /// Whether kernels are to be reversed: Theano convolved, TensorFlow
  /// correlates.
  bool convolves = false;
};

struct SavedWeights {
  Writer writer;
  std::vector<SavedLayer> layers;  // those with weights
  std::vector<Array> top_level;    // weights of the model's own
};

/// The group that holds the layers: the root of a weights-only file,
/// "model_weights" in a whole model. None when it is no such file.
std::optional<h5::Object> weights_group(const h5::File& file);

/// Throws InvalidArgument for a group that is not as Keras writes it.
SavedWeights read_group(const h5::Object& group, const std::string& source);

struct MatchOptions {
  bool by_name = false;        // only layers of the same name
  bool skip_mismatch = false;  // leave alone what does not fit
  bool whole_model = false;    // the names are those of the file's own config
};

/// Puts the weights into the model. Everything is compared before anything is
/// changed: InvalidArgument lists every missing, unexpected and mis-shaped
/// weight with both shapes.
void load_weights(
    const ModelImpl& model,
    const SavedWeights& saved,
    const std::string& source,
    const MatchOptions& options);

/// The optimizer's state from a whole model's file. A state of another
/// optimizer or of other shapes is left alone, with a warning, as Keras does.
void load_optimizer(
    ModelImpl& model, const h5::File& file, const std::string& source);

// -- parts
// ----------------------------------------------------------------------

/// A layer's arrays as our layer of the class orders and shapes them.
std::vector<Array> converted(
    const LayerImpl& layer,
    const std::vector<Variable>& weights,
    std::vector<Array> arrays,
    const Writer& writer);

}  // namespace keratin::legacy
