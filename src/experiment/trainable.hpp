#pragma once

#include <string>
#include <utility>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/layer.hpp>
#include <keratin/model.hpp>

namespace keratin::experiment {

/// Layers and whether they train.
using TrainableFlags = std::vector<std::pair<Layer, bool>>;

/// What of a layer trains: true or false; of a model also the layer from which
/// on it trains, by name or by place (-20: the last twenty), or that and what
/// is left out, by class or by name: {"from": "conv_dw_12", "except":
/// ["BatchNormalization"]}. Changes nothing.
TrainableFlags trainable_flags(
    const Layer& layer, const Config& value, const std::string& where);

/// {"base": "conv_dw_12"}: layers of a model by name, each with what of it
/// trains. Changes nothing.
TrainableFlags trainable_flags_of_layers(
    const Model& model, const Config& values, const std::string& where);

void apply(const TrainableFlags& flags);

/// JSON Schema of what trainable_flags takes.
Config trainable_schema();

}  // namespace keratin::experiment
