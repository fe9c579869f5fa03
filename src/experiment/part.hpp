#pragma once

#include <string>

#include <keratin/fields.hpp>

namespace keratin::experiment {

/// A part of a config that is made of layers, losses and the like. Keeps the
/// JSON it was given beside what was made of it.
class Part : public FieldValue {
 public:
  bool given() const { return !config_.is_null(); }

  Config to_config() const override { return config_; }

  void from_config(const Config& config, const std::string& where) override;

 protected:
  /// `config` is not null.
  virtual void make(const Config& config, const std::string& where) = 0;
  virtual void clear() = 0;

 private:
  Config config_;
};

}  // namespace keratin::experiment
