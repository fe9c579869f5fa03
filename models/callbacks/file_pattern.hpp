#pragma once

#include <optional>
#include <string>

#include <keratin/training.hpp>

namespace keratin {

/// The name of a file by Python's str.format:
/// "{epoch:02d}-{val_loss:.2f}.keras" with epoch, batch (when given) and what
/// is logged. Throws InvalidArgument for a name that is not there and for a
/// format that Python would refuse.
std::string file_name_of(
    const std::string& pattern,
    std::int64_t epoch,
    std::optional<std::int64_t> batch,
    const Logs& logs);

}  // namespace keratin
