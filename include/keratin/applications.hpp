#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/activations.hpp>
#include <keratin/config.hpp>
#include <keratin/export.hpp>
#include <keratin/model.hpp>
#include <keratin/shape.hpp>
#include <keratin/symbolic.hpp>
#include <keratin/tensor.hpp>

/// The architectures of keras.applications, with Keras's arguments, layer names
/// and order of weights, and the field's classics.
///
///   auto model = kt::applications::MobileNet({.alpha = 0.25});
///   auto base = kt::applications::ResNet50(
///       {.include_top = false, .input_shape = {{160, 160, 3}},
///        .pooling = "avg"});
///   auto fresh = kt::applications::VGG16({.weights = {}});  // random weights
///
/// `weights` is "imagenet" (looked for in the cache folder, then fetched from
/// Keras's public address and checked), the path of a file of weights, or {}
/// for random ones. Pictures are [rows, columns, channels]. Every function
/// throws InvalidArgument for arguments that do not go together and SystemError
/// when weights cannot be had.
namespace keratin::applications {

/// The path of a file of weights, "imagenet", or nothing.
using Weights = std::optional<std::string>;

struct ApplicationOptions {
  /// Whether the layers that classify are there.
  bool include_top = true;
  Weights weights = "imagenet";
  /// What the model is built on, in place of an Input of its own.
  SymbolicTensor input_tensor = {};
  /// Without the batch axis. Other than the default size only without the top.
  std::optional<Shape> input_shape = {};
  /// Without the top: "avg" or "max" over rows and columns, or none.
  std::string pooling = {};
  std::int64_t classes = 1000;
  Activation classifier_activation = "softmax";  // {}: logits
  std::string name = {};                         // default: Keras's
};

struct NASNetOptions {
  std::optional<Shape> input_shape = {};
  bool include_top = true;
  Weights weights = "imagenet";
  SymbolicTensor input_tensor = {};
  std::string pooling = {};
  std::int64_t classes = 1000;
  Activation classifier_activation = "softmax";
  std::string name = {};
};

struct MobileNetOptions {
  std::optional<Shape> input_shape = {};
  double alpha = 1;                   // width: filters times alpha
  std::int64_t depth_multiplier = 1;  // of the depthwise convolutions
  double dropout = 1e-3;
  bool include_top = true;
  Weights weights = "imagenet";
  SymbolicTensor input_tensor = {};
  std::string pooling = {};
  std::int64_t classes = 1000;
  Activation classifier_activation = "softmax";
  std::string name = {};
};

struct MobileNetV2Options {
  std::optional<Shape> input_shape = {};
  double alpha = 1;
  bool include_top = true;
  Weights weights = "imagenet";
  SymbolicTensor input_tensor = {};
  std::string pooling = {};
  std::int64_t classes = 1000;
  Activation classifier_activation = "softmax";
  std::string name = {};
};

struct MobileNetV3Options {
  std::optional<Shape> input_shape = {};
  double alpha = 1;
  /// Without squeeze-and-excitation, hard swish and 5 x 5 kernels.
  bool minimalistic = false;
  bool include_top = true;
  Weights weights = "imagenet";
  SymbolicTensor input_tensor = {};
  std::int64_t classes = 1000;
  std::string pooling = {};
  double dropout_rate = 0.2;
  Activation classifier_activation = "softmax";
  /// Whether the model scales pixels of 0 to 255 itself.
  bool include_preprocessing = true;
  std::string name = {};
};

struct EfficientNetV2Options {
  bool include_top = true;
  Weights weights = "imagenet";
  SymbolicTensor input_tensor = {};
  std::optional<Shape> input_shape = {};
  std::string pooling = {};
  std::int64_t classes = 1000;
  Activation classifier_activation = "softmax";
  bool include_preprocessing = true;
  std::string name = {};
};

struct ConvNeXtOptions {
  bool include_top = true;
  bool include_preprocessing = true;
  Weights weights = "imagenet";
  SymbolicTensor input_tensor = {};
  std::optional<Shape> input_shape = {};
  std::string pooling = {};
  std::int64_t classes = 1000;
  Activation classifier_activation = "softmax";
  std::string name = {};
};

// Simonyan and Zisserman 2014.
KERATIN_API Model VGG16(ApplicationOptions options = {});
KERATIN_API Model VGG19(ApplicationOptions options = {});

// He, Zhang, Ren and Sun 2015; V2: 2016.
KERATIN_API Model ResNet50(ApplicationOptions options = {});
KERATIN_API Model ResNet101(ApplicationOptions options = {});
KERATIN_API Model ResNet152(ApplicationOptions options = {});
KERATIN_API Model ResNet50V2(ApplicationOptions options = {});
KERATIN_API Model ResNet101V2(ApplicationOptions options = {});
KERATIN_API Model ResNet152V2(ApplicationOptions options = {});

// Szegedy et al. 2015 and 2016; Xception: Chollet 2016.
KERATIN_API Model InceptionV3(ApplicationOptions options = {});
KERATIN_API Model InceptionResNetV2(ApplicationOptions options = {});
KERATIN_API Model Xception(ApplicationOptions options = {});

// Howard et al. 2017, Sandler et al. 2018, Howard et al. 2019.
KERATIN_API Model MobileNet(MobileNetOptions options = {});
KERATIN_API Model MobileNetV2(MobileNetV2Options options = {});
KERATIN_API Model MobileNetV3Small(MobileNetV3Options options = {});
KERATIN_API Model MobileNetV3Large(MobileNetV3Options options = {});

// Huang, Liu, van der Maaten and Weinberger 2016.
KERATIN_API Model DenseNet121(ApplicationOptions options = {});
KERATIN_API Model DenseNet169(ApplicationOptions options = {});
KERATIN_API Model DenseNet201(ApplicationOptions options = {});

// Zoph, Vasudevan, Shlens and Le 2017.
KERATIN_API Model NASNetMobile(NASNetOptions options = {});
KERATIN_API Model NASNetLarge(NASNetOptions options = {});

// Tan and Le 2019; V2: 2021.
KERATIN_API Model EfficientNetB0(ApplicationOptions options = {});
KERATIN_API Model EfficientNetB1(ApplicationOptions options = {});
KERATIN_API Model EfficientNetB2(ApplicationOptions options = {});
KERATIN_API Model EfficientNetB3(ApplicationOptions options = {});
KERATIN_API Model EfficientNetB4(ApplicationOptions options = {});
KERATIN_API Model EfficientNetB5(ApplicationOptions options = {});
KERATIN_API Model EfficientNetB6(ApplicationOptions options = {});
KERATIN_API Model EfficientNetB7(ApplicationOptions options = {});
KERATIN_API Model EfficientNetV2B0(EfficientNetV2Options options = {});
KERATIN_API Model EfficientNetV2B1(EfficientNetV2Options options = {});
KERATIN_API Model EfficientNetV2B2(EfficientNetV2Options options = {});
KERATIN_API Model EfficientNetV2B3(EfficientNetV2Options options = {});
KERATIN_API Model EfficientNetV2S(EfficientNetV2Options options = {});
KERATIN_API Model EfficientNetV2M(EfficientNetV2Options options = {});
KERATIN_API Model EfficientNetV2L(EfficientNetV2Options options = {});

// Liu et al. 2022.
KERATIN_API Model ConvNeXtTiny(ConvNeXtOptions options = {});
KERATIN_API Model ConvNeXtSmall(ConvNeXtOptions options = {});
KERATIN_API Model ConvNeXtBase(ConvNeXtOptions options = {});
KERATIN_API Model ConvNeXtLarge(ConvNeXtOptions options = {});
KERATIN_API Model ConvNeXtXLarge(ConvNeXtOptions options = {});

// -- classics, which keras.applications lacks --------------------------------

struct ClassicOptions {
  bool include_top = true;
  /// A file of weights; nobody publishes any for these in Keras's form.
  Weights weights = {};
  SymbolicTensor input_tensor = {};
  std::optional<Shape> input_shape = {};
  std::string pooling = {};
  std::int64_t classes = 1000;
  Activation classifier_activation = "softmax";
  std::string name = {};
};

struct LeNetOptions {
  bool include_top = true;
  Weights weights = {};
  SymbolicTensor input_tensor = {};
  std::optional<Shape> input_shape = {};  // default: {32, 32, 1}
  std::string pooling = {};
  std::int64_t classes = 10;
  Activation classifier_activation = "softmax";
  std::string name = {};
};

KERATIN_API Model LeNet5(LeNetOptions options = {});     // LeCun et al. 1998
KERATIN_API Model AlexNet(ClassicOptions options = {});  // Krizhevsky 2012
KERATIN_API Model ZFNet(ClassicOptions options = {});    // Zeiler, Fergus 2013
KERATIN_API Model NetworkInNetwork(ClassicOptions options = {});  // Lin 2013
KERATIN_API Model GoogLeNet(ClassicOptions options = {});  // Szegedy 2014

// The columns A to E of the VGG paper's table; D and E are VGG16 and VGG19.
KERATIN_API Model VGG_A(ClassicOptions options = {});
KERATIN_API Model VGG_A_LRN(ClassicOptions options = {});
KERATIN_API Model VGG_B(ClassicOptions options = {});
KERATIN_API Model VGG_C(ClassicOptions options = {});
KERATIN_API Model VGG_D(ClassicOptions options = {});
KERATIN_API Model VGG_E(ClassicOptions options = {});

// Iandola et al. 2016.
KERATIN_API Model SqueezeNet1_0(ClassicOptions options = {});
KERATIN_API Model SqueezeNet1_1(ClassicOptions options = {});

// -- by name -----------------------------------------------------------------

/// What is known about an architecture before it is built.
struct ApplicationInfo {
  std::string name;                    // "MobileNetV2"
  std::int64_t size = 224;             // of its pictures, rows and columns
  std::string preprocessing;           // "caffe", "tf", "torch" or "none"
  bool has_imagenet = false;           // whether weights are published
  std::vector<std::string> arguments;  // names of what it takes
};

/// All of them, in the order of this header.
KERATIN_API std::vector<ApplicationInfo> list();

/// Throws InvalidArgument naming the nearest.
KERATIN_API ApplicationInfo info(const std::string& name);

/// The architecture of a name with arguments as JSON:
/// make("MobileNet", {"alpha": 0.25, "weights": null}).
KERATIN_API Model
make(const std::string& name, const Config& arguments = Config::object());

/// JSON Schema of the arguments.
KERATIN_API Config schema(const std::string& name);

// -- what goes in and what comes out -----------------------------------------

/// Pixels of 0 to 255, [rows, columns, 3] or with a batch axis, as the family
/// was trained on, in float32 (float64 stays):
///   "tf"     x / 127.5 - 1
///   "torch"  (x / 255 - mean) / standard deviation, per channel
///   "caffe"  BGR less the mean of each channel
///   "none"   as they are: the model scales them itself
/// Throws InvalidArgument for another mode or shape.
KERATIN_API Tensor preprocess_input(
    const Tensor& x,
    const std::string& mode = "caffe",
    const std::string& data_format = "channels_last");

struct Prediction {
  std::string class_name;   // WordNet's: "n02129165"
  std::string description;  // "lion"
  double score = 0;
};

/// The `top` likeliest classes of each row of [samples, 1000], best first.
/// `class_index` is Keras's imagenet_class_index.json; looked for in the folder
/// that KERATIN_DATA names, then in the cache, then fetched, when not given.
/// Throws InvalidArgument for predictions of another shape.
KERATIN_API std::vector<std::vector<Prediction>> decode_predictions(
    const Tensor& predictions,
    std::int64_t top = 5,
    const std::string& class_index = {});

// Keras's modules: preprocess_input as each of them was trained.

namespace vgg16 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace vgg16

namespace vgg19 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace vgg19

namespace resnet {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace resnet

namespace resnet50 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace resnet50

namespace resnet_v2 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace resnet_v2

namespace inception_v3 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace inception_v3

namespace inception_resnet_v2 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace inception_resnet_v2

namespace xception {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace xception

namespace mobilenet {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace mobilenet

namespace mobilenet_v2 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace mobilenet_v2

namespace mobilenet_v3 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace mobilenet_v3

namespace densenet {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace densenet

namespace nasnet {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace nasnet

namespace efficientnet {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace efficientnet

namespace efficientnet_v2 {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace efficientnet_v2

namespace convnext {
KERATIN_API Tensor preprocess_input(
    const Tensor& x, const std::string& data_format = "channels_last");
using applications::decode_predictions;
}  // namespace convnext

}  // namespace keratin::applications
