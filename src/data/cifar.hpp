#pragma once

#include <string>

#include <keratin/data/examples.hpp>

namespace keratin::data {

/// Reads cifar-10-binary.tar.gz. Throws SystemError when it cannot be opened,
/// InvalidArgument when it is damaged.
TrainTest read_cifar10(const std::string& path);

}  // namespace keratin::data
