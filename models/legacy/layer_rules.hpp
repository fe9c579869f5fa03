#pragma once

#include <string>
#include <string_view>

#include <keratin/config.hpp>

/// What the tables of layers.cpp cannot say of a single layer's arguments.
namespace keratin::legacy {

/// An argument under another name, unless there is one of that name already.
void rename(Config& config, std::string_view from, std::string_view to);

/// Applies the rule of a class, found under the name that the file has for it
/// or under today's, if there is one.
void apply_layer_rule(
    Config& config,
    std::string_view written,
    std::string_view name,
    const std::string& where);

}  // namespace keratin::legacy
