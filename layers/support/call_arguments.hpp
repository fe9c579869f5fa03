#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/layer.hpp>

namespace keratin::layers {

/// The arguments of a call under the names that Keras's signature gives them.
class CallArguments {
 public:
  /// Positional arguments get the names in order. `flags` may only be bool
  /// constants, `training` is taken from the context and skipped. Throws
  /// InvalidArgument for a name that is not among them or that comes twice.
  CallArguments(
      const LayerImpl& layer,
      const CallInputs& inputs,
      std::initializer_list<std::string_view> tensors,
      std::initializer_list<std::string_view> flags);

  /// Empty when not given.
  Value tensor(std::string_view name) const;

  bool flag(std::string_view name) const;

 private:
  struct Item {
    std::string_view name;
    Value value;
    bool flag = false;
  };

  const Item& item(std::string_view name) const;

  std::vector<Item> items_;
};

/// The tensors of an argument that was given as a list, empty ones where the
/// list has a null: a constant beside tensors tells their places.
std::vector<Value> list_of(const Argument<Value>& argument);

}  // namespace keratin::layers
