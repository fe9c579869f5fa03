#pragma once

#include <string>

#include <keratin/training.hpp>

#include "src/experiment/sections.hpp"

namespace keratin::experiment {

/// Makes the folders of the files to come and makes sure that they can be
/// written. Throws InvalidArgument naming the folder.
void check_outputs(const OutputSection& section, const std::string& where);

/// CSV (epoch, then a column for each value) or JSON, by the name's ending.
/// Replaces the file at once or not at all.
void write_history(const std::string& path, const History& history);

}  // namespace keratin::experiment
