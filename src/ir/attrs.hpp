#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <keratin/dtype.hpp>
#include <keratin/shape.hpp>
#include <keratin/tensor.hpp>
#include <keratin/variable.hpp>

#include "src/core/plugin_export.hpp"

namespace keratin {

class Graph;

using Ints = std::vector<std::int64_t>;

/// A value of an attribute. Shapes and axes are Ints.
using Attr = std::variant<
    bool,
    std::int64_t,
    double,
    std::string,
    Ints,
    DType,
    Tensor,
    Variable,
    std::shared_ptr<const Graph>>;

/// The attributes of a node, by name, in the order they were given.
class KERATIN_PLUGIN_EXPORT Attrs {
 public:
  using Entry = std::pair<std::string, Attr>;

  Attrs() = default;

  Attrs(std::initializer_list<Entry> entries) : entries_(entries) {}

  /// KERATIN_CHECKs that the attribute is there and of this type: the verifier
  /// has seen to that before anyone asks.
  template <class T>
  const T& get(std::string_view name) const;

  std::int64_t integer(std::string_view name) const {
    return get<std::int64_t>(name);
  }

  bool flag(std::string_view name) const { return get<bool>(name); }

  double number(std::string_view name) const { return get<double>(name); }

  const Ints& ints(std::string_view name) const { return get<Ints>(name); }

  Shape shape(std::string_view name = "shape") const {
    return Shape(get<Ints>(name));
  }

  DType dtype(std::string_view name = "dtype") const {
    return get<DType>(name);
  }

  const Graph& graph(std::string_view name) const {
    return *get<std::shared_ptr<const Graph>>(name);
  }

  const Attr* find(std::string_view name) const;
  void set(std::string_view name, Attr value);

  const std::vector<Entry>& entries() const { return entries_; }

  /// Same names, same values; tensors by content, sub-graphs by their text.
  bool operator==(const Attrs& other) const;

 private:
  [[noreturn]] void missing(std::string_view name) const;

  std::vector<Entry> entries_;
};

template <class T>
const T& Attrs::get(std::string_view name) const {
  const Attr* attr = find(name);
  if (attr != nullptr) {
    if (const T* value = std::get_if<T>(attr)) return *value;
  }
  missing(name);
}

}  // namespace keratin
