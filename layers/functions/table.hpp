#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/fields.hpp>

#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin::layers {

/// A class that configs name, under Keras's class name or one of its aliases.
template <class Impl>
struct Entry {
  std::string_view name;
  std::shared_ptr<Impl> (*make)();
};

template <class Impl, class T>
std::shared_ptr<Impl> make_entry() {
  return std::make_shared<T>();
}

template <class Impl>
std::vector<std::string> entry_names(std::span<const Entry<Impl>> table) {
  std::vector<std::string> names;
  for (const Entry<Impl>& entry : table) names.emplace_back(entry.name);
  std::sort(names.begin(), names.end());
  return names;
}

/// What a serialized object (or a bare name) describes. `kind` is for errors:
/// "initializer".
template <class Impl>
std::shared_ptr<Impl> make_from_config(
    std::span<const Entry<Impl>> table,
    const Config& config,
    std::string_view kind,
    const std::string& where) {
  const SerializedObject object = parse_serialized(config, where);
  for (const Entry<Impl>& entry : table) {
    if (entry.name != object.class_name) continue;
    std::shared_ptr<Impl> impl = entry.make();
    impl->from_config(object.config, where);
    return impl;
  }
  throw InvalidArgument(format(
      "[{}] no {} is called '{}'{}",
      where,
      kind,
      object.class_name,
      did_you_mean(object.class_name, entry_names(table))));
}

/// JSON Schema of a field that holds a name, an object or null.
template <class Impl>
Config entry_schema(std::span<const Entry<Impl>> table) {
  Config choices = Config::array();
  for (const std::string& name : entry_names(table)) choices.push_back(name);
  choices.push_back(nullptr);
  Config any = Config::array({Config::object({{"enum", std::move(choices)}})});
  for (const Entry<Impl>& entry : table) {
    const auto made = entry.make();
    if (made->class_name() != entry.name) continue;  // an alias
    any.push_back(Config::object(
        {{"type", "object"},
         {"properties",
          Config::object(
              {{"class_name", Config::object({{"const", Config(entry.name)}})},
               {"config", fields_schema(*made)}})},
         {"required", Config::array({"class_name"})}}));
  }
  return Config::object({{"anyOf", std::move(any)}});
}

}  // namespace keratin::layers
