#pragma once

#include <keratin/config.hpp>

namespace keratin::experiment {

/// The classes that a field's schema lists, {"class_name": {"const": ...},
/// "config": ...}: an object of name and schema of the arguments.
Config classes_of(const Config& schema);

/// {"$ref": "#/$defs/NAME"}
Config schema_ref(const char* name);

}  // namespace keratin::experiment
