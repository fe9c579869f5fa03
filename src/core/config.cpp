#include <algorithm>
#include <cmath>

#include <keratin/config.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

[[noreturn]] void wrong_kind(std::string_view expected, const Config& got) {
  std::string text = got.dump();
  constexpr std::size_t kShown = 40;
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  throw InvalidArgument(keratin::format(
      "[config] expected {}, got {} {}", expected, got.kind(), text));
}

template <class Object>
auto find_member(Object& object, std::string_view key) {
  return std::find_if(object.begin(), object.end(), [&](const auto& member) {
    return member.first == key;
  });
}

}  // namespace

Config Config::object(std::initializer_list<Member> members) {
  return Config(Object(members));
}

Config Config::array(std::initializer_list<Config> items) {
  return Config(Array(items));
}

Config Config::ints(const std::vector<std::int64_t>& values) {
  return Config(Array(values.begin(), values.end()));
}

std::string_view Config::kind() const {
  static constexpr std::string_view kKinds[] = {
      "null", "bool", "int", "number", "string", "array", "object"};
  return kKinds[value_.index()];
}

bool Config::as_bool() const {
  if (!is_bool()) wrong_kind("a bool", *this);
  return std::get<bool>(value_);
}

std::int64_t Config::as_int() const {
  if (is_int()) return std::get<std::int64_t>(value_);
  if (const double* number = std::get_if<double>(&value_)) {
    // 2^63 itself does not fit; NaN fails every comparison.
    if (*number >= -0x1p63 && *number < 0x1p63 &&
        std::trunc(*number) == *number) {
      return static_cast<std::int64_t>(*number);
    }
  }
  wrong_kind("a whole number", *this);
}

double Config::as_number() const {
  if (is_int()) return static_cast<double>(std::get<std::int64_t>(value_));
  if (!is_number()) wrong_kind("a number", *this);
  return std::get<double>(value_);
}

const std::string& Config::as_string() const {
  if (!is_string()) wrong_kind("a string", *this);
  return std::get<std::string>(value_);
}

const Config::Array& Config::as_array() const {
  if (!is_array()) wrong_kind("an array", *this);
  return std::get<Array>(value_);
}

Config::Array& Config::as_array() {
  if (!is_array()) wrong_kind("an array", *this);
  return std::get<Array>(value_);
}

const Config::Object& Config::as_object() const {
  if (!is_object()) wrong_kind("an object", *this);
  return std::get<Object>(value_);
}

Config::Object& Config::as_object() {
  if (!is_object()) wrong_kind("an object", *this);
  return std::get<Object>(value_);
}

std::vector<std::int64_t> Config::as_ints() const {
  std::vector<std::int64_t> values;
  for (const Config& item : as_array()) values.push_back(item.as_int());
  return values;
}

const Config* Config::find(std::string_view key) const {
  const auto* object = std::get_if<Object>(&value_);
  if (object == nullptr) return nullptr;
  const auto found = find_member(*object, key);
  return found == object->end() ? nullptr : &found->second;
}

Config* Config::find(std::string_view key) {
  return const_cast<Config*>(std::as_const(*this).find(key));
}

const Config& Config::at(std::string_view key) const {
  if (const Config* found = find(key)) return *found;
  std::vector<std::string_view> keys;
  for (const Member& member : as_object()) keys.push_back(member.first);
  throw InvalidArgument(keratin::format(
      "[config] expected a key \"{}\", got none{}",
      key,
      did_you_mean(key, keys)));
}

Config& Config::operator[](std::string_view key) {
  if (is_null()) value_ = Object{};
  Object& object = as_object();
  const auto found = find_member(object, key);
  if (found != object.end()) return found->second;
  return object.emplace_back(std::string(key), Config()).second;
}

Config Config::get(std::string_view key, Config fallback) const {
  if (const Config* found = find(key)) return *found;
  return fallback;
}

void Config::push_back(Config item) {
  if (is_null()) value_ = Array{};
  as_array().push_back(std::move(item));
}

void Config::erase(std::string_view key) {
  Object& object = as_object();
  const auto found = find_member(object, key);
  if (found != object.end()) object.erase(found);
}

std::size_t Config::size() const {
  if (is_array()) return as_array().size();
  return is_object() ? as_object().size() : 0;
}

bool Config::operator==(const Config& other) const {
  return value_ == other.value_;
}

}  // namespace keratin
