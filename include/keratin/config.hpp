#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <keratin/export.hpp>

namespace keratin {

/// A JSON value: what layers, optimizers and whole models serialise to.
/// Objects keep the order of their keys, as Python's do.
class KERATIN_API Config {
 public:
  using Array = std::vector<Config>;
  using Member = std::pair<std::string, Config>;
  using Object = std::vector<Member>;

  Config() = default;  // null

  // NOLINTBEGIN(google-explicit-constructor): values read as JSON
  Config(std::nullptr_t) {}

  Config(bool value) : value_(value) {}

  Config(int value) : value_(std::int64_t{value}) {}

  Config(std::int64_t value) : value_(value) {}

  Config(double value) : value_(value) {}

  Config(const char* value) : value_(std::string(value)) {}

  Config(std::string value) : value_(std::move(value)) {}

  Config(std::string_view value) : value_(std::string(value)) {}

  Config(Array value) : value_(std::move(value)) {}

  Config(Object value) : value_(std::move(value)) {}

  // NOLINTEND(google-explicit-constructor)

  static Config object(std::initializer_list<Member> members = {});
  static Config array(std::initializer_list<Config> items = {});

  /// A list of integers, as shapes and strides are written.
  static Config ints(const std::vector<std::int64_t>& values);

  bool is_null() const { return value_.index() == 0; }

  bool is_bool() const { return value_.index() == 1; }

  bool is_int() const { return value_.index() == 2; }

  bool is_number() const { return is_int() || value_.index() == 3; }

  bool is_string() const { return value_.index() == 4; }

  bool is_array() const { return value_.index() == 5; }

  bool is_object() const { return value_.index() == 6; }

  /// "null", "bool", "int", "number", "string", "array" or "object".
  std::string_view kind() const;

  // The value; InvalidArgument "expected X, got Y" when it is another kind.
  bool as_bool() const;
  std::int64_t as_int() const;  // also a number with no fraction
  double as_number() const;
  const std::string& as_string() const;
  const Array& as_array() const;
  Array& as_array();
  const Object& as_object() const;
  Object& as_object();
  std::vector<std::int64_t> as_ints() const;

  /// The member, or null when this is no object or has none of that key.
  const Config* find(std::string_view key) const;
  Config* find(std::string_view key);

  bool contains(std::string_view key) const { return find(key) != nullptr; }

  /// The member; InvalidArgument naming the key when there is none.
  const Config& at(std::string_view key) const;

  /// The member, added as null when missing (and *this made an object).
  Config& operator[](std::string_view key);

  /// The member, or `fallback` when missing.
  Config get(std::string_view key, Config fallback = {}) const;

  void push_back(Config item);
  void erase(std::string_view key);
  std::size_t size() const;  // members or items; 0 for the other kinds

  bool operator==(const Config& other) const;

  /// JSON text; indent < 0 puts all on one line, as Python's json.dumps does.
  std::string dump(int indent = -1) const;

  /// Parses JSON (NaN and Infinity as Python writes them included). `source`
  /// names the text in errors. Depth is bounded to 512. Throws InvalidArgument
  /// with line and column.
  static Config parse(std::string_view text, std::string_view source = "json");

 private:
  std::variant<
      std::monostate,
      bool,
      std::int64_t,
      double,
      std::string,
      Array,
      Object>
      value_;
};

}  // namespace keratin
