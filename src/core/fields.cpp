#include "src/core/fields.hpp"

#include <algorithm>
#include <functional>
#include <type_traits>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

FieldValue::~FieldValue() = default;

FieldVisitor::~FieldVisitor() = default;

Serializable::~Serializable() = default;

void Serializable::fields(FieldVisitor& visit) {
  (void)visit;
}

Config Serializable::get_config() const {
  // Visiting is one function for reading and writing; this visitor only reads.
  return write_fields(const_cast<Serializable&>(*this));
}

void Serializable::from_config(const Config& config, const std::string& where) {
  read_fields(*this, config, where);
}

Config serialize(const Serializable& object) {
  const std::string module = object.module();
  const bool own = !module.starts_with("keras");
  return Config::object(
      {{"module", own ? Config() : Config(module)},
       {"class_name", object.class_name()},
       {"config", object.get_config()},
       {"registered_name",
        // What Keras does not export it names by its class.
        own ? Config(module + ">" + object.class_name())
        : module.starts_with("keras.src.") ? Config(object.class_name())
                                           : Config()}});
}

SerializedObject parse_serialized(
    const Config& config, const std::string& where) {
  SerializedObject out;
  out.config = Config::object();
  if (config.is_string()) {
    out.class_name = config.as_string();
    return out;
  }
  const Config* name = config.find("class_name");
  if (name == nullptr || !name->is_string()) {
    throw InvalidArgument(format(
        "[{}] expected a name or an object with 'class_name', got {}",
        where,
        config.kind()));
  }
  out.class_name = name->as_string();
  if (const Config* registered = config.find("registered_name");
      registered != nullptr && registered->is_string()) {
    out.registered_name = registered->as_string();
  }
  if (const Config* fields = config.find("config");
      fields != nullptr && !fields->is_null()) {
    out.config = *fields;
  }
  return out;
}

std::vector<std::int64_t> Dims::resolve(
    std::size_t rank,
    const std::string& who,
    const std::string& what,
    std::int64_t minimum) const {
  std::vector<std::int64_t> out = values_;
  if (single_) out.assign(rank, values_[0]);
  if (out.size() != rank) {
    throw InvalidArgument(format(
        "{} expected {} of one number or {}, got {}",
        who,
        what,
        rank,
        Config::ints(values_).dump()));
  }
  for (const std::int64_t value : out) {
    if (value < minimum) {
      throw InvalidArgument(
          format("{} expected {} >= {}, got {}", who, what, minimum, value));
    }
  }
  return out;
}

namespace {

/// std::visit with a lambda per alternative.
template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

template <class... F>
Overloaded(F...) -> Overloaded<F...>;  // clang 14 does not deduce it

template <class T>
Config list_config(const std::vector<T>& values) {
  Config::Array out;
  for (const T& value : values) out.emplace_back(value);
  return Config(std::move(out));
}

Config write(const FieldRef& field) {
  return std::visit(
      Overloaded{
          [](const Config* f) { return *f; },
          [](const FieldValue* f) { return f->to_config(); },
          [](const Dims* f) -> Config {
            if (!f->given()) return {};
            return f->single() ? Config(f->values()[0])
                               : Config::ints(f->values());
          },
          []<class T>(const std::optional<T>* f) -> Config {
            return *f ? Config(**f) : Config();
          },
          []<class T>(const std::vector<T>* f) { return list_config(*f); },
          [](const auto* f) { return Config(*f); },
      },
      field);
}

class Writer final : public FieldVisitor {
 public:
  void visit(
      std::string_view name, FieldRef field, const FieldSpec& spec) override {
    (void)spec;
    out[name] = write(field);
  }

  Config out = Config::object();
};

void check_number(double value, const FieldSpec& spec) {
  if (spec.minimum && !(value >= *spec.minimum)) {
    throw InvalidArgument(
        format("expected a number >= {}, got {}", *spec.minimum, value));
  }
  if (spec.maximum && !(value <= *spec.maximum)) {
    throw InvalidArgument(
        format("expected a number <= {}, got {}", *spec.maximum, value));
  }
}

void check_choice(const std::string& value, const FieldSpec& spec) {
  if (spec.choices.empty()) return;
  if (std::find(spec.choices.begin(), spec.choices.end(), value) !=
      spec.choices.end()) {
    return;
  }
  std::string list;
  for (const std::string_view choice : spec.choices) {
    list += format("{}'{}'", list.empty() ? "" : ", ", choice);
  }
  throw InvalidArgument(format(
      "expected one of {}, got '{}'{}",
      list,
      value,
      did_you_mean(value, spec.choices)));
}

void read_value(bool& out, const Config& in, const FieldSpec&) {
  out = in.as_bool();
}

void read_value(std::int64_t& out, const Config& in, const FieldSpec& spec) {
  const std::int64_t value = in.as_int();
  check_number(static_cast<double>(value), spec);
  out = value;
}

void read_value(double& out, const Config& in, const FieldSpec& spec) {
  const double value = in.as_number();
  check_number(value, spec);
  out = value;
}

void read_value(std::string& out, const Config& in, const FieldSpec& spec) {
  check_choice(in.as_string(), spec);
  out = in.as_string();
}

template <class T>
void read_value(
    std::optional<T>& out, const Config& in, const FieldSpec& spec) {
  if (in.is_null()) {
    out.reset();
    return;
  }
  T value{};
  read_value(value, in, spec);
  out = std::move(value);
}

template <class T>
void read_value(std::vector<T>& out, const Config& in, const FieldSpec& spec) {
  std::vector<T> values;
  for (const Config& item : in.as_array()) {
    T value{};
    read_value(value, item, spec);
    values.push_back(std::move(value));
  }
  out = std::move(values);
}

void read_value(Dims& out, const Config& in, const FieldSpec&) {
  if (in.is_null()) {
    out = Dims();
  } else if (in.is_array()) {
    out = Dims(in.as_ints());
  } else {
    out = Dims(in.as_int());
  }
}

void read_value(Config& out, const Config& in, const FieldSpec&) {
  out = in;
}

/// The fields of an object, by name.
class Collector final : public FieldVisitor {
 public:
  struct Field {
    std::string name;
    FieldRef ref;
    FieldSpec spec;
  };

  void visit(
      std::string_view name, FieldRef field, const FieldSpec& spec) override {
    fields.push_back({std::string(name), field, spec});
  }

  std::vector<Field> fields;
};

/// Puts back what was read when a later field is refused.
class Rollback {
 public:
  explicit Rollback(const std::vector<Collector::Field>& fields) {
    for (const auto& field : fields) {
      std::visit(
          Overloaded{
              [&](FieldValue* f) {
                undo_.push_back([f, old = f->to_config()] {
                  f->from_config(old, "rollback");
                });
              },
              [&](auto* f) { undo_.push_back([f, old = *f] { *f = old; }); },
          },
          field.ref);
    }
  }

  void run() {
    for (const auto& undo : undo_) undo();
  }

 private:
  std::vector<std::function<void()>> undo_;
};

void read_field(
    const Collector::Field& field,
    const Config& value,
    const std::string& where) {
  const std::string path = where + "." + field.name;
  if (auto* const* custom = std::get_if<FieldValue*>(&field.ref)) {
    (*custom)->from_config(value, path);
    return;
  }
  try {
    std::visit(
        [&](auto* f) {
          if constexpr (!std::is_same_v<decltype(f), FieldValue*>) {
            read_value(*f, value, field.spec);
          }
        },
        field.ref);
  } catch (const InvalidArgument& error) {
    // What a JSON value says of itself starts with "[config] ".
    std::string_view text = error.what();
    constexpr std::string_view kWho = "[config] ";
    if (text.starts_with(kWho)) text.remove_prefix(kWho.size());
    throw InvalidArgument(format("[{}] {}", path, text));
  }
}

Config type_schema(std::string_view type, bool nullable) {
  Config out = Config::object();
  if (nullable) {
    out["type"] = Config::array({Config(type), "null"});
  } else {
    out["type"] = type;
  }
  return out;
}

Config value_schema(const FieldRef& field) {
  const auto list = [](std::string_view item) {
    Config out = type_schema("array", false);
    out["items"] = type_schema(item, false);
    return out;
  };
  return std::visit(
      Overloaded{
          [](bool*) { return type_schema("boolean", false); },
          [](std::int64_t*) { return type_schema("integer", false); },
          [](double*) { return type_schema("number", false); },
          [](std::string*) { return type_schema("string", false); },
          [](std::optional<bool>*) { return type_schema("boolean", true); },
          [](std::optional<std::int64_t>*) {
            return type_schema("integer", true);
          },
          [](std::optional<double>*) { return type_schema("number", true); },
          [](std::optional<std::string>*) {
            return type_schema("string", true);
          },
          [&](std::vector<std::int64_t>*) { return list("integer"); },
          [&](std::vector<double>*) { return list("number"); },
          [&](std::vector<std::string>*) { return list("string"); },
          [&](Dims*) {
            return Config::object(
                {{"anyOf",
                  Config::array(
                      {type_schema("integer", true), list("integer")})}});
          },
          [](Config*) { return Config::object(); },
          [](FieldValue* f) { return f->schema(); },
      },
      field);
}

}  // namespace

Config write_fields(Serializable& object) {
  Writer writer;
  object.fields(writer);
  return std::move(writer.out);
}

void read_fields(
    Serializable& object, const Config& config, const std::string& where) {
  if (!config.is_object()) {
    throw InvalidArgument(
        format("[{}] expected an object, got {}", where, config.kind()));
  }
  Collector collector;
  object.fields(collector);
  std::vector<std::string> names;
  for (const auto& field : collector.fields) names.push_back(field.name);
  for (const auto& [key, value] : config.as_object()) {
    if (std::find(names.begin(), names.end(), key) == names.end()) {
      throw InvalidArgument(format(
          "[{}] {} has no argument '{}'{}",
          where,
          object.class_name(),
          key,
          did_you_mean(key, names)));
    }
  }
  for (const auto& field : collector.fields) {
    if (field.spec.required && !config.contains(field.name)) {
      throw InvalidArgument(format(
          "[{}] {} needs the argument '{}'",
          where,
          object.class_name(),
          field.name));
    }
  }
  Rollback rollback(collector.fields);
  try {
    for (const auto& field : collector.fields) {
      if (const Config* value = config.find(field.name)) {
        read_field(field, *value, where);
      }
    }
  } catch (...) {
    rollback.run();
    throw;
  }
}

Config fields_schema(Serializable& object) {
  Collector collector;
  object.fields(collector);
  Config properties = Config::object();
  Config required = Config::array();
  for (const auto& field : collector.fields) {
    Config schema = value_schema(field.ref);
    if (!field.spec.choices.empty()) {
      Config choices = Config::array();
      for (const std::string_view choice : field.spec.choices) {
        choices.push_back(choice);
      }
      const Config* const type = schema.find("type");
      if (type != nullptr && type->is_array()) choices.push_back(nullptr);
      schema["enum"] = std::move(choices);
    }
    if (field.spec.minimum) schema["minimum"] = *field.spec.minimum;
    if (field.spec.maximum) schema["maximum"] = *field.spec.maximum;
    if (field.spec.required) {
      required.push_back(field.name);
    } else {
      schema["default"] = write(field.ref);
    }
    properties[field.name] = std::move(schema);
  }
  Config out = Config::object({{"type", "object"}});
  out["properties"] = std::move(properties);
  if (required.size() > 0) out["required"] = std::move(required);
  out["additionalProperties"] = false;
  return out;
}

}  // namespace keratin
