#pragma once

#include <string>

#include <keratin/training.hpp>

#include "src/experiment/sections.hpp"

namespace keratin::experiment {

/// Makes the folder of a file to come and makes sure that it can be written.
/// Throws InvalidArgument naming `where` and the folder.
void check_output(const std::string& path, const std::string& where);

/// The same for every file of the section.
void check_outputs(const OutputSection& section, const std::string& where);

/// CSV (epoch, then a column for each value) or JSON, by the name's ending.
/// Replaces the file at once or not at all.
void write_history(const std::string& path, const History& history);

}  // namespace keratin::experiment
