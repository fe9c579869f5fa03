#pragma once

#include <string>

#include <keratin/tensor.hpp>

/// Keras's data_format of pictures.
namespace keratin::data {

/// Throws InvalidArgument, "WHO expected data_format channels_last or ...".
bool is_channels_first(const std::string& data_format, const std::string& who);

/// [height, width, channels] made [channels, height, width], and back.
Tensor with_channels_first(const Tensor& picture);
Tensor with_channels_last(const Tensor& picture);

}  // namespace keratin::data
