#pragma once

#include <string>

#include "models/zoo/builder.hpp"

namespace keratin::applications {

/// The path of the file on this machine: in the folder that KERATIN_DATA names
/// (or its "weights"), in the cache, or fetched into the cache. Throws what
/// io::fetch throws.
std::string fetch_weights(const Published& weights);

/// As Model::load_weights; into a model without the top also from an .h5 file
/// of the whole one, whose other layers are left aside.
void load_weights(Model model, const std::string& path, bool include_top);

/// The path of Keras's imagenet_class_index.json, likewise.
std::string fetch_class_index();

}  // namespace keratin::applications
