#include "tests/conformance/weights.hpp"

#include <keratin/error.hpp>

namespace conformance {

using keratin::io::Hdf5File;

bool same_path(const std::string& ours, const std::string& keras) {
  return ours == keras || keras.ends_with("/" + ours);
}

void compare_weights(
    const Hdf5File& golden,
    const std::string& group,
    const keratin::Model& model,
    double tolerance,
    Comparison& result) {
  const std::vector<std::string> paths = strings(golden, "paths");
  const std::vector<keratin::Variable> weights = model.weights();
  if (weights.size() != paths.size()) {
    result.fail(
        group,
        std::to_string(weights.size()) + " weights, Keras has " +
            std::to_string(paths.size()));
    return;
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string where = group + "/" + paths[i];
    if (!same_path(weights[i].path(), paths[i])) {
      result.fail(where, "our path is " + weights[i].path());
    }
    result.compare(where, weights[i].value(), golden.read(where), tolerance);
  }
}

void set_start_weights(const Hdf5File& golden, const keratin::Model& model) {
  const std::vector<std::string> paths = strings(golden, "paths");
  std::vector<keratin::Variable> weights = model.weights();
  if (weights.size() != paths.size()) {
    throw keratin::InvalidArgument(
        "[start] the model has " + std::to_string(weights.size()) +
        " weights, Keras's has " + std::to_string(paths.size()));
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    weights[i].assign(golden.read("start/" + paths[i]));
  }
}

}  // namespace conformance
