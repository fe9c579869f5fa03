#pragma once

#include <string>

#include <keratin/dtype.hpp>
#include <keratin/export.hpp>
#include <keratin/fields.hpp>

namespace keratin {

/// Keras's dtype policy: "float32", "float64", "mixed_float16",
/// "mixed_bfloat16", ...: the dtype a layer computes in and the dtype of its
/// weights. Default: the global policy when the layer is made.
class KERATIN_API DTypePolicy final : public FieldValue {
 public:
  DTypePolicy();

  // NOLINTBEGIN(google-explicit-constructor): names read as policies
  DTypePolicy(const char* name);
  DTypePolicy(std::string name);
  DTypePolicy(DType dtype);

  // NOLINTEND(google-explicit-constructor)

  const std::string& name() const { return name_; }

  DType compute_dtype() const { return compute_; }

  DType variable_dtype() const { return variable_; }

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  void set(std::string name, const std::string& where);

  std::string name_;
  DType compute_ = DType::f32;
  DType variable_ = DType::f32;
};

/// The policy of layers that are given none. Starts as "float32".
KERATIN_API void set_dtype_policy(const DTypePolicy& policy);
KERATIN_API DTypePolicy dtype_policy();

/// Keras's floatx: the dtype of data and losses. Starts as f32.
KERATIN_API void set_floatx(DType dtype);
KERATIN_API DType floatx();

}  // namespace keratin
