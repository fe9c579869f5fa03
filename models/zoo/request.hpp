#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <keratin/applications.hpp>

#include "layers/base/initial_values.hpp"

namespace keratin::applications {

/// What an architecture was asked for, whatever struct the arguments came in.
struct Request {
  std::string function;  // "VGG16"
  bool include_top = true;
  Weights weights;
  SymbolicTensor input_tensor;
  std::optional<Shape> input_shape;
  std::string pooling;
  std::int64_t classes = 1000;
  Activation classifier_activation = "softmax";
  std::string name;

  // Of some families only.
  double alpha = 1;
  std::int64_t depth_multiplier = 1;
  double dropout = 0;
  bool minimalistic = false;
  bool include_preprocessing = true;

  /// Held while the layers are built when weights come from a file.
  std::shared_ptr<const WithoutInitialValues> loading;

  /// When set, gets what fetches and reads the weights, which is then not done
  /// at once.
  std::function<void()>* load_later = nullptr;

  void expect_weights() {
    if (weights) loading = std::make_shared<const WithoutInitialValues>();
  }

  bool imagenet() const { return weights && *weights == "imagenet"; }

  /// Throws InvalidArgument "[VGG16] message".
  [[noreturn]] void fail(const std::string& message) const;

  /// The name asked for, or Keras's.
  std::string name_or(const std::string& keras) const {
    return name.empty() ? keras : name;
  }
};

/// The part that all structs of options have.
template <class Options>
Request request(const char* function, const Options& options) {
  Request out;
  out.function = function;
  out.include_top = options.include_top;
  out.weights = options.weights;
  out.input_tensor = options.input_tensor;
  out.input_shape = options.input_shape;
  out.pooling = options.pooling;
  out.classes = options.classes;
  out.classifier_activation = options.classifier_activation;
  out.name = options.name;
  if constexpr (requires { options.include_preprocessing; }) {
    out.include_preprocessing = options.include_preprocessing;
  }
  out.expect_weights();
  return out;
}

/// Arguments that only some architectures take, as bits.
enum Extra : unsigned {
  kAlpha = 1,
  kDepthMultiplier = 2,
  kDropout = 4,
  kDropoutRate = 8,
  kMinimalistic = 16,
  kIncludePreprocessing = 32,
  kNoImagenet = 64,  // nobody publishes weights
};

struct Architecture {
  std::string_view name;
  Model (*make)(const Request& request);
  std::int64_t size;               // of the pictures
  std::string_view preprocessing;  // mode of preprocess_input
  unsigned extras = 0;
  double dropout = 0;  // the default
  std::int64_t classes = 1000;
};

/// In the public header's order.
std::span<const Architecture> architectures();

/// Throws InvalidArgument naming the nearest.
const Architecture& find_architecture(std::string_view name);

// One per family, each in its own file.
std::span<const Architecture> vgg_family();
std::span<const Architecture> vgg_classics();
std::span<const Architecture> resnet_family();
std::span<const Architecture> inception_v3_family();
std::span<const Architecture> inception_resnet_v2_family();
std::span<const Architecture> xception_family();
std::span<const Architecture> mobilenet_family();
std::span<const Architecture> mobilenet_v2_family();
std::span<const Architecture> mobilenet_v3_family();
std::span<const Architecture> densenet_family();
std::span<const Architecture> nasnet_family();
std::span<const Architecture> efficientnet_family();
std::span<const Architecture> efficientnet_v2_family();
std::span<const Architecture> convnext_family();
std::span<const Architecture> lenet_family();
std::span<const Architecture> alexnet_family();
std::span<const Architecture> network_in_network_family();
std::span<const Architecture> googlenet_family();
std::span<const Architecture> squeezenet_family();

}  // namespace keratin::applications
