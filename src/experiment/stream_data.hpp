#pragma once

#include <cstdint>
#include <string>

#include <keratin/experiment.hpp>

#include "src/experiment/sections.hpp"

/// Data that come in batches, of files that are read when they are needed.
namespace keratin::experiment {

/// `verbose`: says how many pictures there are.
ExperimentData open_image_lists(
    const ImageListSection& section,
    const std::string& folder,
    const std::string& where,
    bool verbose);

ExperimentData open_records(
    const TfRecordSection& section,
    const std::string& folder,
    std::int64_t seed);

ExperimentData stream_csv(
    const CsvSection& section, const std::string& folder, std::int64_t seed);

}  // namespace keratin::experiment
