#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/tensor.hpp>

namespace keratin {

/// Makes a variable's first value. Computed on the host in double and rounded.
class KERATIN_API InitializerImpl : public Serializable {
 public:
  std::string module() const override;
  virtual Tensor make(const Shape& shape, DType dtype) const = 0;
};

/// A handle on an initializer, made from Keras's name ("glorot_uniform",
/// "GlorotUniform"), one of keratin::initializers, or a function.
class KERATIN_API Initializer final : public FieldValue {
 public:
  Initializer();  // none: Keras's None

  // NOLINTBEGIN(google-explicit-constructor): names read as initializers
  Initializer(const char* name);
  Initializer(std::string name);
  Initializer(std::shared_ptr<const InitializerImpl> impl);
  Initializer(std::function<Tensor(const Shape&, DType)> function);
  // NOLINTEND(google-explicit-constructor)

  explicit operator bool() const { return impl_ != nullptr; }

  Tensor operator()(const Shape& shape, DType dtype) const;

  const InitializerImpl& impl() const { return *impl_; }

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::shared_ptr<const InitializerImpl> impl_;
};

KERATIN_API std::vector<std::string> initializer_names();

}  // namespace keratin
