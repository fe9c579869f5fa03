#pragma once

#include <string>

#include <keratin/experiment.hpp>

#include "src/experiment/sections.hpp"

namespace keratin::experiment {

/// Throws InvalidArgument unless the section's folders are there.
void check_image_directories(
    const ImageDatasetSection& section,
    const std::string& folder,
    const std::string& where);

/// The parts of the data as batches. The class of a folder is the same in each.
/// `verbose`: says how many pictures there are.
ExperimentData open_image_directories(
    const ImageDatasetSection& section,
    const std::string& folder,
    const std::string& where,
    bool verbose);

}  // namespace keratin::experiment
