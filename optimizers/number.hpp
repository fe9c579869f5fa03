#pragma once

#include <cmath>
#include <string>

#include <keratin/error.hpp>
#include <keratin/fields.hpp>

#include "src/core/format.hpp"

namespace keratin {

/// What becomes of a number that Keras casts to a variable's dtype: it is a
/// float32 before. Matters for variables of float64 only.
inline double through_float(double value) {
  return static_cast<double>(static_cast<float>(value));
}

/// A number that configs write as Python had it: 100 stays 100, 0.5 is 0.5.
class Number final : public FieldValue {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): reads as a number
  Number(double value = 0)
      : value_(value), whole_(std::floor(value) == value) {}

  double value() const { return value_; }

  Config to_config() const override {
    if (whole_) return Config(static_cast<std::int64_t>(value_));
    return Config(value_);
  }

  void from_config(const Config& config, const std::string& where) override {
    if (!config.is_number()) {
      throw InvalidArgument(
          format("[{}] expected a number, got {}", where, config.kind()));
    }
    value_ = config.as_number();
    whole_ = config.is_int();
  }

  Config schema() const override {
    return Config::object({{"type", "number"}});
  }

 private:
  double value_;
  bool whole_;
};

}  // namespace keratin
