#pragma once

#include <string>

#include <keratin/fields.hpp>

namespace keratin {

/// The fields as a JSON object, in order.
Config write_fields(Serializable& object);

/// Sets the fields from a JSON object. All or nothing: see
/// Serializable::from_config.
void read_fields(
    Serializable& object, const Config& config, const std::string& where);

/// JSON Schema of the fields: {"type": "object", "properties": ...}.
Config fields_schema(Serializable& object);

}  // namespace keratin
