#pragma once

#include <memory>
#include <string>
#include <utility>

#include <keratin/fields.hpp>

#include "src/core/fields.hpp"

namespace keratin::experiment {

/// A part of a config.
class Section : public Serializable {
 public:
  std::string module() const override { return "keratin"; }

  /// What fields alone do not say; throws InvalidArgument starting with
  /// `where`.
  virtual void check(const std::string& where) const { (void)where; }
};

/// A field that is a section, or absent.
template <class T>
class Nested final : public FieldValue {
 public:
  explicit operator bool() const { return value_ != nullptr; }

  const T* operator->() const { return value_.get(); }

  const T& operator*() const { return *value_; }

  /// The section, with its defaults when it was absent.
  const T& or_default() const {
    static const T defaults;
    return value_ ? *value_ : defaults;
  }

  Config to_config() const override {
    return value_ ? value_->get_config() : Config();
  }

  void from_config(const Config& config, const std::string& where) override {
    if (config.is_null()) {
      value_.reset();
      return;
    }
    auto made = std::make_unique<T>();
    made->from_config(config, where);
    made->check(where);
    value_ = std::move(made);
  }

  Config schema() const override {
    T defaults;
    return fields_schema(defaults);
  }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace keratin::experiment
