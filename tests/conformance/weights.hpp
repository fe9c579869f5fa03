#pragma once

#include <string>

#include <keratin/model.hpp>

#include "tests/conformance/harness.hpp"

namespace conformance {

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
