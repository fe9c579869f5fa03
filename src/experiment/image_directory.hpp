#pragma once

#include <string>

#include <keratin/data/directory.hpp>
#include <keratin/experiment.hpp>

#include "src/experiment/sections.hpp"

namespace keratin::experiment {

/// What the section says, without what its kind of source has of its own.
utils::ImageDatasetOptions image_options(const PicturesSection& section);

/// The batches of a part; kept in memory when the section says cache.
DataPart pictures_part(
    const PicturesSection& section,
    const utils::DirectoryDataset& pictures,
    bool shuffle);

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
