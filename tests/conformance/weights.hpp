#pragma once

#include <string>

#include <keratin/model.hpp>

#include "tests/conformance/harness.hpp"

namespace conformance {

/// Keras starts a path with the names of the models that were open when the
/// weight was made, which a file does not tell; the rest must agree.
bool same_path(const std::string& ours, const std::string& keras);

/// Compares every weight with `group`/PATH, in the order and under the paths
/// that Keras lists.
void compare_weights(
    const keratin::io::Hdf5File& golden,
    const std::string& group,
    const keratin::Model& model,
    double tolerance,
    Comparison& result);

/// Sets every weight to start/PATH.
void set_start_weights(
    const keratin::io::Hdf5File& golden, const keratin::Model& model);

}  // namespace conformance
