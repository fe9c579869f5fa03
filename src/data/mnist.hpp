#pragma once

#include <keratin/datasets.hpp>

#include "src/io/download.hpp"

namespace keratin::datasets {

/// mnist(), fetched as said when it is not in KERATIN_DATA.
TrainTest mnist_of(const io::Download& archive);

}  // namespace keratin::datasets
