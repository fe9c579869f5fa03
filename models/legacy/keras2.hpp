#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <keratin/model.hpp>

namespace keratin::legacy {

/// A model's config of Keras 3 in the dialect of Keras 2, which Keras 3 reads
/// from .h5 files, too. Throws InvalidArgument naming what Keras 2 did not
/// have.
Config to_keras2(const Config& model, const std::string& where);

/// A single layer of it, without its calls.
Config layer_to_keras2(const Config& layer, const std::string& where);

/// model.to_json() of Keras 2.
Config keras2_json(const ModelImpl& model);

/// The content of a .h5 file as Keras 2 writes it: a whole model, or its
/// weights alone.
std::vector<std::byte> write_h5(const ModelImpl& model, bool whole_model);

}  // namespace keratin::legacy
