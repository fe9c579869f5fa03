#pragma once

#include <string>

#include <keratin/datasets.hpp>

#include "src/io/download.hpp"

/// Data sets as keras.datasets makes them of files that are there.
namespace keratin::datasets {

TrainTest read_boston_housing(
    const std::string& path, const BostonHousingOptions& options);
TrainTest read_california_housing(
    const std::string& path, const CaliforniaHousingOptions& options);
SequencesTrainTest read_imdb(
    const std::string& path, const ImdbOptions& options);
SequencesTrainTest read_reuters(
    const std::string& path, const ReutersOptions& options);

}  // namespace keratin::datasets
