#pragma once

#include <string>

#include <keratin/model.hpp>

#include "src/io/hdf5_reader.hpp"

namespace keratin::legacy {

/// A whole model in the HDF5 form of Keras 1, 2 and (as "legacy") 3. Throws
/// InvalidArgument for a file of weights alone.
Model load_h5_model(
    const h5::File& file, const std::string& name, const LoadOptions& options);

/// Weights alone, or those of a whole model, into a model that is there.
void load_h5_weights(
    const ModelImpl& model,
    const h5::File& file,
    const std::string& name,
    const LoadWeightsOptions& options);

}  // namespace keratin::legacy
