#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <keratin/config.hpp>

namespace keratin {

/// One argument of a layer's call: a tensor, a list of tensors, or a constant.
template <class T>
struct Argument {
  std::string name;        // empty: positional
  std::vector<T> tensors;  // empty: a constant
  bool is_list = false;    // given as a list, even if of one
  Config constant = {};
};

/// The arguments of a layer's call, as Keras's `*args, **kwargs`.
template <class T>
struct Arguments {
  std::vector<Argument<T>> items;

  Arguments() = default;

  explicit Arguments(T x) { items.push_back({"", {std::move(x)}}); }

  explicit Arguments(std::vector<T> xs) {
    items.push_back({"", std::move(xs), true});
  }

  /// Tensors of the first positional argument: what most layers work on.
  const std::vector<T>& inputs() const { return items.front().tensors; }

  /// The keyword argument, or null.
  const Argument<T>* find(std::string_view name) const {
    for (const Argument<T>& item : items) {
      if (item.name == name) return &item;
    }
    return nullptr;
  }

  /// The positional argument, or null.
  const Argument<T>* positional(std::size_t index) const {
    for (const Argument<T>& item : items) {
      if (!item.name.empty()) continue;
      if (index-- == 0) return &item;
    }
    return nullptr;
  }

  /// All tensors, in order.
  std::vector<T> tensors() const {
    std::vector<T> all;
    for (const Argument<T>& item : items) {
      all.insert(all.end(), item.tensors.begin(), item.tensors.end());
    }
    return all;
  }
};

}  // namespace keratin
