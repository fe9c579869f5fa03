#pragma once

#include <string>

#include <keratin/experiment.hpp>
#include <keratin/io/csv.hpp>

#include "src/experiment/sections.hpp"

/// Tables in CSV files.
namespace keratin::experiment {

/// `path` as seen from the config's folder.
std::string resolve(const std::string& folder, const std::string& path);

io::CsvOptions csv_options(const CsvSection& section);

/// The files whole, as arrays. `warn`: of values that are missing.
ExperimentData read_csv_data(
    const CsvSection& section, const std::string& folder, bool warn);

/// A column of the training file as it is written: string [rows].
Tensor read_csv_column(
    const CsvSection& section,
    const std::string& folder,
    const std::string& column);

/// The windows of a time series, scaled and split as the data section says:
/// the last `test_size` of them are the test part.
ExperimentData read_timeseries(
    const DataSection& section,
    const std::string& folder,
    const std::string& where);

}  // namespace keratin::experiment
