#pragma once

#include <memory>
#include <span>
#include <string_view>

#include <keratin/layer.hpp>

namespace keratin {

/// A layer class that comes with Keratin, under one of its Keras names.
struct BuiltinLayer {
  std::string_view name;
  std::shared_ptr<LayerImpl> (*make)();
};

/// Sorted by name; aliases ("MaxPool2D") have entries of their own.
std::span<const BuiltinLayer> builtin_layers();

/// Null when there is none.
const BuiltinLayer* find_builtin_layer(std::string_view name);

}  // namespace keratin
