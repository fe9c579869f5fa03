#pragma once

#include <string>

#include <keratin/experiment.hpp>

#include "src/experiment/sections.hpp"

namespace keratin::experiment {

/// Throws InvalidArgument unless every file that the section names can be read.
void check_data_files(
    const DataSection& section,
    const std::string& folder,
    const std::string& where);

/// Reads, splits and standardises. `where` for errors; `verbose`: says how many
/// pictures there are.
ExperimentData load_data(
    const DataSection& section,
    const std::string& folder,
    const std::string& where,
    bool verbose = true);

}  // namespace keratin::experiment
