#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <keratin/config.hpp>

/// Configs of models in the dialects of Keras 1 and 2 and of tf.keras, as JSON
/// to JSON: what Keras 3 would have written for the same model. Nothing here
/// makes a layer; the ordinary loader reads what comes out.
///
/// Every rule acts on what an old version wrote and leaves alone what it does
/// not know, so that a config of Keras 3 passes unchanged.
namespace keratin::legacy {

/// Whether Keras 3 would not read this model's config as its own.
bool is_old_dialect(const Config& model);

/// A model's or a layer's {"class_name", "config", ...}. Throws InvalidArgument
/// for what files cannot carry (code) and for classes of other libraries.
Config to_keras3(const Config& object, const std::string& where);

/// A training_config's {"optimizer_config", "loss", "metrics", ...} as
/// compile_config.
Config compile_config_of(const Config& training_config);

/// The name that a layer's class has today; others as they are.
std::string_view todays_class(std::string_view class_name);

/// Whether a class is a model of other layers in some dialect.
bool is_model_class(std::string_view class_name);

// -- parts of to_keras3
// ---------------------------------------------------------

/// The layer's own class and arguments, without its calls.
Config layer_to_keras3(const Config& object, const std::string& where);

/// {"name", "layers", "input_layers", "output_layers"} of a functional model.
Config functional_to_keras3(const Config& config, const std::string& where);

/// {"name", "layers"} of a Sequential, or the functional model that stands for
/// one that starts with several branches.
Config sequential_to_keras3(const Config& object, const std::string& where);

/// TensorFlow's operations in models of tf.keras (TensorFlowOpLayer,
/// TFOpLambda, SlicingOpLambda) as Keras 3's operations, the last of which has
/// the object's name. `object` has its calls translated to {"args", "kwargs"}
/// already.
std::vector<Config> operation_to_keras3(
    const Config& object, const std::string& where);
bool is_tensorflow_operation(std::string_view class_name);

/// A constraint, a regularizer, an initializer or an activation.
Config function_to_keras3(const Config& value);

}  // namespace keratin::legacy
