#pragma once

#include <string>
#include <string_view>

namespace keratin {

/// Keras's to_snake_case: "Conv2D" -> "conv2d", "PReLU" -> "p_re_lu".
std::string to_snake_case(std::string_view class_name);

/// "dense" the first time, then "dense_1", "dense_2", ... until clear_session.
std::string unique_name(const std::string& prefix);

}  // namespace keratin
