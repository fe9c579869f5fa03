#pragma once

#include <span>
#include <string_view>

namespace keratin::testing {

/// Layers as real Keras serialises them: one or more of each class.
std::span<const std::string_view> keras_configs();

}  // namespace keratin::testing
