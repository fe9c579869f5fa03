#pragma once

#include <string>

#include "models/zoo/builder.hpp"

namespace keratin::applications {

/// The path of the file on this machine: in the folder that KERATIN_DATA names
/// (or its "weights"), in the cache, or fetched into the cache. Throws what
/// io::fetch throws.
std::string fetch_weights(const Published& weights);

/// The path of Keras's imagenet_class_index.json, likewise.
std::string fetch_class_index();

}  // namespace keratin::applications
