#pragma once

#include <memory>
#include <string>

#include "src/backends/cuda/libraries.hpp"

namespace keratin::cuda {

/// Convolutions by cuDNN's graphs on the current device. `library` is what
/// dlopen gave for libcudnn. Throws SystemError.
std::unique_ptr<ConvolutionLibrary> make_cudnn(void* library);

/// The same for a device that is not there, described by the JSON of cuDNN's
/// device properties: plans are made, nothing can run.
std::unique_ptr<ConvolutionLibrary> make_cudnn_for(
    void* library, const std::string& properties);

}  // namespace keratin::cuda
