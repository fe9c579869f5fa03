#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/export.hpp>

namespace keratin {

/// One number or one per axis: `3` or `{3, 3}`, as Keras takes kernel sizes,
/// strides and the like.
class KERATIN_API Dims {
 public:
  Dims() = default;  // not given (Keras's None)

  // NOLINTBEGIN(google-explicit-constructor): read as numbers
  Dims(int value) : values_{value}, single_(true) {}

  Dims(std::int64_t value) : values_{value}, single_(true) {}

  Dims(std::initializer_list<std::int64_t> values) : values_(values) {}

  Dims(std::vector<std::int64_t> values) : values_(std::move(values)) {}

  // NOLINTEND(google-explicit-constructor)

  bool given() const { return !values_.empty(); }

  bool single() const { return single_; }

  const std::vector<std::int64_t>& values() const { return values_; }

  /// `rank` numbers, each >= minimum: a single one is repeated. Throws
  /// InvalidArgument naming `who` and `what` otherwise.
  std::vector<std::int64_t> resolve(
      std::size_t rank,
      const std::string& who,
      const std::string& what,
      std::int64_t minimum = 1) const;

  bool operator==(const Dims&) const = default;

 private:
  std::vector<std::int64_t> values_;
  bool single_ = false;
};

/// A field that knows its own JSON: activations, initializers, layers, ...
class KERATIN_API FieldValue {
 public:
  virtual ~FieldValue();
  virtual Config to_config() const = 0;

  /// Throws InvalidArgument starting with `where`, leaving *this unchanged.
  virtual void from_config(const Config& config, const std::string& where) = 0;

  /// JSON Schema of what from_config takes.
  virtual Config schema() const = 0;

 protected:
  FieldValue() = default;
  FieldValue(const FieldValue&) = default;
  FieldValue& operator=(const FieldValue&) = default;
  FieldValue(FieldValue&&) = default;
  FieldValue& operator=(FieldValue&&) = default;
};

/// Where a field is and of what type. `Config` takes any JSON.
using FieldRef = std::variant<
    bool*,
    std::int64_t*,
    double*,
    std::string*,
    std::optional<bool>*,
    std::optional<std::int64_t>*,
    std::optional<double>*,
    std::optional<std::string>*,
    std::vector<std::int64_t>*,
    std::vector<double>*,
    std::vector<std::string>*,
    Dims*,
    Config*,
    FieldValue*>;

struct FieldSpec {
  bool required = false;                       // has no default
  std::vector<std::string_view> choices = {};  // the strings allowed
  std::optional<double> minimum = {};          // of a number (inclusive)
  std::optional<double> maximum = {};
};

/// Sees the fields of an options struct one after the other, in Keras's order.
/// Config in and out, JSON Schema, `keratin list`, defaults, validation and
/// nearest-name errors are all visitors.
class KERATIN_API FieldVisitor {
 public:
  virtual ~FieldVisitor();

  template <class T>
  void operator()(std::string_view name, T& field, FieldSpec spec = {}) {
    visit(name, FieldRef(&field), spec);
  }

  virtual void visit(
      std::string_view name, FieldRef field, const FieldSpec& spec) = 0;
};

/// Something with a Keras class name and fields: a layer, an optimizer, ...
class KERATIN_API Serializable {
 public:
  Serializable() = default;
  virtual ~Serializable();
  Serializable(const Serializable&) = delete;
  Serializable& operator=(const Serializable&) = delete;

  /// "Dense".
  virtual std::string class_name() const = 0;

  /// "keras.layers"; "Custom" for a user's own.
  virtual std::string module() const = 0;

  /// Visits every field. The base has none.
  virtual void fields(FieldVisitor& visit);

  /// Keras's get_config(): the fields as a JSON object.
  virtual Config get_config() const;

  /// Sets the fields from what get_config() gave. Unknown keys, wrong types and
  /// impossible values throw InvalidArgument with `where`, the key, what was
  /// expected, what came, and the nearest known name; nothing is changed then.
  virtual void from_config(const Config& config, const std::string& where);
};

/// {"module": ..., "class_name": ..., "config": ..., "registered_name": ...}
KERATIN_API Config serialize(const Serializable& object);

/// What a serialized object names and holds. Understands Keras 3's form, the
/// older {"class_name", "config"}, and a bare string (a name, no config).
struct SerializedObject {
  std::string class_name;
  std::string registered_name;  // "Custom>MyLayer"; empty when none
  Config config;                // an object
};

KERATIN_API SerializedObject
parse_serialized(const Config& config, const std::string& where);

}  // namespace keratin
