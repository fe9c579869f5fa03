#pragma once

#include <functional>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/layer.hpp>

namespace keratin::experiment {

/// An architecture of keras.applications as part of a stack of layers, with the
/// weights still to come.
struct Base {
  std::vector<Layer> layers;   // preprocessing, if asked for, and the model
  std::function<void()> load;  // fetches and reads the weights; may be empty
};

/// Whether a class is an architecture and no layer.
bool is_application(const std::string& class_name);

/// The architecture of a class and its arguments: Keras's, `trainable` and
/// `preprocess_input`. A path of weights is relative to `folder`.
Base application_from_config(
    const std::string& class_name,
    const Config& arguments,
    const std::string& folder,
    const std::string& where);

/// {"MobileNet": schema of the arguments, ...}
Config application_schemas();

}  // namespace keratin::experiment
