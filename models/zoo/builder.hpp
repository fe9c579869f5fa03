#pragma once

#include <cstdint>
#include <string>

#include <keratin/layers.hpp>

#include "models/zoo/request.hpp"

/// What the architectures share: the input, the top, the weights.
namespace keratin::applications {

/// Extents of the pictures, rows and columns.
struct Sizes {
  std::int64_t usual;
  std::int64_t least;
  std::int64_t channels = 3;
  bool any_with_top = false;  // unknown extents do not need include_top = false
};

/// Checks the arguments as Keras does. What the model begins with.
SymbolicTensor image_input(const Request& r, Sizes sizes);

/// A file at a public address, and what it hashes to: SHA-256 or MD5 in
/// hexadecimal, or nothing where Keras publishes none.
struct Published {
  std::string address;
  std::string hash;
};

/// .../FOLDER/NAME_weights_tf_dim_ordering_tf_kernels[_notop].h5
Published published(
    const Request& r,
    const std::string& folder,
    const std::string& name,
    const std::string& hash,
    const std::string& hash_without_top);

/// The same with other endings: ADDRESS.h5 and ADDRESS_notop.h5.
Published published_at(
    const Request& r,
    const std::string& address,
    const std::string& hash,
    const std::string& hash_without_top);

inline const std::string kStorage =
    "https://storage.googleapis.com/tensorflow/keras-applications/";

/// The model, with its weights loaded.
Model finish(
    const Request& r,
    const SymbolicTensor& image,
    const SymbolicTensor& output,
    const std::string& name,
    const Published& weights = {});

/// Without the top: what `pooling` asks for.
SymbolicTensor pooled(
    const SymbolicTensor& x,
    const Request& r,
    const std::string& average_name = {},
    const std::string& max_name = {});

/// The last layer, "predictions".
SymbolicTensor predictions(
    const SymbolicTensor& x,
    const Request& r,
    const Initializer& kernel = "glorot_uniform",
    const Initializer& bias = "zeros");

/// An average over rows and columns, then the last layer.
SymbolicTensor averaged_predictions(
    const SymbolicTensor& x,
    const Request& r,
    const std::string& average_name = "avg_pool");

SymbolicTensor activation(
    const SymbolicTensor& x,
    const keratin::Activation& function,
    const std::string& name = {});

/// Over five channels, as Krizhevsky's network has it.
SymbolicTensor local_response(const SymbolicTensor& x, const std::string& name);

inline SymbolicTensor relu(
    const SymbolicTensor& x, const std::string& name = {}) {
  return activation(x, "relu", name);
}

inline std::int64_t channels(const SymbolicTensor& x) {
  return x.shape().back();
}

/// "mobilenet_1.00_224": what the MobileNets call themselves.
std::string mobilenet_name(
    const char* prefix, const Request& r, std::int64_t usual);

/// Zeros that let a convolution of stride 2 with "valid" do what "same" does in
/// TensorFlow's slim models, whether the extent is even or odd.
layers::Margins correct_pad(const SymbolicTensor& x, std::int64_t kernel);

/// The multiple of 8 nearest to `value`, at most a tenth below it.
std::int64_t divisible(double value, std::int64_t divisor = 8);

}  // namespace keratin::applications
