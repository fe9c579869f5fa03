#include "src/runtime/choices.hpp"

#include <charconv>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

std::optional<std::string> Choices::find(
    const Work& work, bool any_size) const {
  const std::lock_guard lock(mutex_);
  const auto place = places_.find(work.place);
  if (place == places_.end()) return std::nullopt;
  const auto known = place->second.find(work.name);
  if (known == place->second.end()) return std::nullopt;
  const Sizes& sizes = known->second;
  if (const auto exact = sizes.find(work.size); exact != sizes.end()) {
    return exact->second;
  }
  if (!any_size && sizes.size() < kSizes) return std::nullopt;
  const auto larger = sizes.lower_bound(work.size);
  return larger != sizes.end() ? larger->second : sizes.rbegin()->second;
}

void Choices::set(const Work& work, const std::string& choice) {
  const std::lock_guard lock(mutex_);
  Sizes& sizes = places_[work.place][work.name];
  if (sizes.size() < kSizes) sizes.emplace(work.size, choice);
}

std::size_t Choices::size() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [place, works] : places_) {
    for (const auto& [name, sizes] : works) count += sizes.size();
  }
  return count;
}

Config Choices::to_config() const {
  const std::lock_guard lock(mutex_);
  Config all = Config::object();
  for (const auto& [place, works] : places_) {
    Config::Object list;
    for (const auto& [name, sizes] : works) {
      Config::Object by_size;
      for (const auto& [size, choice] : sizes) {
        by_size.emplace_back(format("{}", size), choice);
      }
      list.emplace_back(name, std::move(by_size));
    }
    all[place] = std::move(list);
  }
  return all;
}

namespace {

const Config::Object& object_at(const Config& config, const std::string& at) {
  if (config.is_object()) return config.as_object();
  throw InvalidArgument(
      format("[{}] expected an object, got {}", at, config.kind()));
}

std::int64_t size_of(const std::string& text, const std::string& at) {
  std::int64_t size = -1;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, size);
  if (error == std::errc() && rest == end && size >= 0) return size;
  throw InvalidArgument(
      format("[{}] expected sizes as keys, got \"{}\"", at, text));
}

}  // namespace

void Choices::add(const Config& config, const std::string& where) {
  std::map<std::string, Works> read;
  for (const auto& [place, works] : object_at(config, where)) {
    const std::string at_place = format("{}[\"{}\"]", where, place);
    for (const auto& [name, sizes] : object_at(works, at_place)) {
      const std::string at = format("{}[\"{}\"]", at_place, name);
      Sizes& into = read[place][name];
      for (const auto& [size, choice] : object_at(sizes, at)) {
        if (!choice.is_string()) {
          throw InvalidArgument(
              format("[{}] expected a name, got {}", at, choice.kind()));
        }
        if (into.size() < kSizes) {
          into.emplace(size_of(size, at), choice.as_string());
        }
      }
    }
  }
  for (const auto& [place, works] : read) {
    for (const auto& [name, sizes] : works) {
      for (const auto& [size, choice] : sizes) set({place, name, size}, choice);
    }
  }
}

}  // namespace keratin
