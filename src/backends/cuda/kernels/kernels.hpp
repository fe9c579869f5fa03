#pragma once

#include <string_view>

/// The texts that generated kernels are made of. A kernel's source is the
/// device's prelude, the common one, one family and a few lines that call the
/// family's templates with the shapes of one node.
namespace keratin::cuda {

/// What only NVRTC compiles: macros, half conversions by instruction. Tests put
/// one of their own in its place and compile the rest for the host.
std::string_view device_prelude();

/// Types, conversions, element-wise functions, groups of threads.
std::string_view common_prelude();

std::string_view reduce_family();  // sums, extremes, argmax; rows: softmax, ...
std::string_view norm_family();    // batch and layer normalisation
std::string_view index_family();   // take, scatter, one-hot, cumsum, sort
std::string_view window_family();  // pooling, convolution by plain loops
std::string_view random_family();  // Philox
std::string_view product_family();  // matmul by plain loops: integers

}  // namespace keratin::cuda
