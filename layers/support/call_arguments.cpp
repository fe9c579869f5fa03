#include "layers/support/call_arguments.hpp"

#include <algorithm>

#include <keratin/error.hpp>

#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin::layers {

namespace {

[[noreturn]] void fail(const LayerImpl& layer, const std::string& message) {
  throw InvalidArgument(format("{} {}", layer.who(), message));
}

}  // namespace

CallArguments::CallArguments(
    const LayerImpl& layer,
    const CallInputs& inputs,
    std::initializer_list<std::string_view> tensors,
    std::initializer_list<std::string_view> flags) {
  for (const std::string_view name : tensors) items_.push_back({name, {}});
  for (const std::string_view name : flags) items_.push_back({name, {}});
  std::vector<std::string> seen;
  std::size_t position = 0;
  for (const Argument<Value>& argument : inputs.items) {
    if (argument.name == "training") continue;
    std::string name = argument.name;
    if (name.empty()) {
      if (position >= tensors.size()) {
        fail(
            layer,
            format("expected at most {} positional arguments", tensors.size()));
      }
      name = items_[position++].name;
    }
    const auto found =
        std::find_if(items_.begin(), items_.end(), [&](const Item& item) {
          return item.name == name;
        });
    if (found == items_.end()) {
      std::vector<std::string> names;
      for (const Item& item : items_) names.emplace_back(item.name);
      fail(
          layer,
          format("takes no argument '{}'{}", name, did_you_mean(name, names)));
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      fail(layer, format("got the argument '{}' twice", name));
    }
    seen.push_back(name);
    const bool is_flag =
        static_cast<std::size_t>(found - items_.begin()) >= tensors.size();
    if (argument.tensors.empty() && argument.constant.is_null()) continue;
    if (is_flag) {
      if (!argument.tensors.empty() || !argument.constant.is_bool()) {
        fail(layer, format("expected a bool as '{}'", name));
      }
      found->flag = argument.constant.as_bool();
      continue;
    }
    if (argument.tensors.size() != 1 || argument.is_list) {
      fail(
          layer,
          format(
              "expected one tensor as '{}', got {}",
              name,
              argument.is_list ? "a list" : "a constant"));
    }
    found->value = argument.tensors[0];
  }
}

const CallArguments::Item& CallArguments::item(std::string_view name) const {
  for (const Item& item : items_) {
    if (item.name == name) return item;
  }
  throw InternalError(format("no argument is called {}", std::string(name)));
}

Value CallArguments::tensor(std::string_view name) const {
  return item(name).value;
}

bool CallArguments::flag(std::string_view name) const {
  return item(name).flag;
}

std::vector<Value> list_of(const Argument<Value>& argument) {
  if (!argument.constant.is_array()) return argument.tensors;
  std::vector<Value> out;
  std::size_t next = 0;
  for (const Config& place : argument.constant.as_array()) {
    out.push_back(
        place.is_null() || next >= argument.tensors.size()
            ? Value()
            : argument.tensors[next++]);
  }
  return out;
}

}  // namespace keratin::layers
