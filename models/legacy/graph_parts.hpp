#pragma once

#include <string>
#include <string_view>

#include <keratin/config.hpp>

/// What both kinds of models are made of, in the configs of old versions.
namespace keratin::legacy {

/// The string of a key; "" when there is none.
std::string text(const Config& object, std::string_view key);

std::string class_of(const Config& object);
std::string name_of_layer(const Config& layer);

/// The layers of a model's config: Keras 1 and early 2 wrote a Sequential's as
/// a bare list.
const Config& layers_of(const Config& config, const std::string& where);

Config input_layer(
    const std::string& name, const Config& shape, const Config& dtype);

/// Some versions of Keras 1 did not write the order of dimensions of every
/// layer; those that lack it have that of the others.
Config with_ordering(const Config& layers);

}  // namespace keratin::legacy
