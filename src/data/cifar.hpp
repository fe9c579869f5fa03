#pragma once

#include <string>

#include <keratin/data/examples.hpp>

namespace keratin::data {

/// Reads cifar-10-binary.tar.gz. Throws SystemError when it cannot be opened,
/// InvalidArgument when it is damaged.
TrainTest read_cifar10(const std::string& path);

/// The same of CIFAR-100, whose pictures have a fine and a coarse class.
TrainTest read_cifar100(const std::string& path, bool fine);

}  // namespace keratin::data
