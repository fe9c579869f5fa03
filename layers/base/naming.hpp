#pragma once

#include <string>
#include <string_view>

namespace keratin {

/// Keras's to_snake_case: "Conv2D" -> "conv2d", "PReLU" -> "p_re_lu".
std::string to_snake_case(std::string_view class_name);

/// "dense" the first time, then "dense_1", "dense_2", ... until clear_session.
std::string unique_name(const std::string& prefix);

/// While it lives, weights made on this thread have paths that start with the
/// name, after those of the scopes around it: what a model builds inside
/// itself is "model/dense/kernel", as in Keras. A scope right inside another
/// of the same owner adds nothing.
class NameScope {
 public:
  NameScope(const std::string& name, const void* owner);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;

 private:
  std::string outer_;
  const void* outer_owner_;
};

/// The names of the scopes in force, joined by '/'; may be empty.
const std::string& current_name_scope();

}  // namespace keratin
