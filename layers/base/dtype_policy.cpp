#include <utility>

#include <keratin/dtype_policy.hpp>
#include <keratin/error.hpp>

#include "layers/base/dtype_override.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

struct Defaults {
  DType floatx = DType::f32;
  std::string policy = "float32";
};

Defaults& defaults() {
  static Defaults instance;
  return instance;
}

thread_local std::string override_name;

}  // namespace

DTypeOverride::DTypeOverride(std::string name)
    : previous_(std::exchange(override_name, std::move(name))) {}

DTypeOverride::~DTypeOverride() {
  override_name = std::move(previous_);
}

const std::string& dtype_override() {
  return override_name;
}

DTypePolicy::DTypePolicy() {
  set(override_name.empty() ? defaults().policy : override_name, "dtype");
}

DTypePolicy::DTypePolicy(const char* name) {
  set(name, "dtype");
}

DTypePolicy::DTypePolicy(std::string name) {
  set(std::move(name), "dtype");
}

DTypePolicy::DTypePolicy(DType dtype) {
  set(std::string(name_of(dtype)), "dtype");
}

void DTypePolicy::set(std::string name, const std::string& where) {
  if (name == "mixed_float16" || name == "mixed_bfloat16") {
    compute_ = name == "mixed_float16" ? DType::f16 : DType::bf16;
    variable_ = DType::f32;
  } else {
    try {
      compute_ = parse_dtype(name);
    } catch (const InvalidArgument&) {
      const std::vector<std::string> known = {
          "float16",
          "bfloat16",
          "float32",
          "float64",
          "mixed_float16",
          "mixed_bfloat16"};
      throw InvalidArgument(format(
          "[{}] no dtype policy is called '{}'{}",
          where,
          name,
          did_you_mean(name, known)));
    }
    variable_ = compute_;
  }
  name_ = std::move(name);
}

Config DTypePolicy::to_config() const {
  return Config::object(
      {{"module", "keras"},
       {"class_name", "DTypePolicy"},
       {"config", Config::object({{"name", name_}})},
       {"registered_name", nullptr}});
}

void DTypePolicy::from_config(const Config& config, const std::string& where) {
  DTypePolicy made;
  if (config.is_string()) {
    made.set(config.as_string(), where);
  } else if (!config.is_null()) {
    const SerializedObject object = parse_serialized(config, where);
    if (object.class_name != "DTypePolicy" && object.class_name != "Policy") {
      throw InvalidArgument(format(
          "[{}] expected a dtype policy, got {}", where, object.class_name));
    }
    made.set(object.config.at("name").as_string(), where);
  }
  // A file opened in another precision: only floating layers change.
  if (!override_name.empty() && is_floating(made.compute_)) {
    made.set(override_name, where);
  }
  *this = std::move(made);
}

Config DTypePolicy::schema() const {
  return Config::object({{"type", Config::array({"string", "object"})}});
}

void set_dtype_policy(const DTypePolicy& policy) {
  defaults().policy = policy.name();
}

DTypePolicy dtype_policy() {
  return {defaults().policy};
}

void set_floatx(DType dtype) {
  if (!is_floating(dtype)) {
    throw InvalidArgument(format(
        "[set_floatx] expected a floating dtype, got {}", name_of(dtype)));
  }
  defaults().floatx = dtype;
  defaults().policy = std::string(name_of(dtype));
}

DType floatx() {
  return defaults().floatx;
}

}  // namespace keratin
