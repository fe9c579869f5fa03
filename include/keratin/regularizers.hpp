#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// A term of the loss that depends on a weight or an activation.
class KERATIN_API RegularizerImpl : public Serializable {
 public:
  std::string module() const override;

  /// A scalar.
  virtual Value penalty(const Value& x) const = 0;
};

/// A handle on a regularizer, made from Keras's name ("l1", "l2", "l1_l2") or
/// one of keratin::regularizers. Default: none.
class KERATIN_API Regularizer final : public FieldValue {
 public:
  Regularizer();

  // NOLINTBEGIN(google-explicit-constructor): names read as regularizers
  Regularizer(const char* name);
  Regularizer(std::string name);
  Regularizer(std::shared_ptr<const RegularizerImpl> impl);

  // NOLINTEND(google-explicit-constructor)

  explicit operator bool() const { return impl_ != nullptr; }

  Value operator()(const Value& x) const;

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::shared_ptr<const RegularizerImpl> impl_;
};

KERATIN_API std::vector<std::string> regularizer_names();

}  // namespace keratin

/// Keras's regularizers. Factors are finite and >= 0 (InvalidArgument).
namespace keratin::regularizers {

struct L1L2Options {
  double l1 = 0;
  double l2 = 0;
};

struct OrthogonalOptions {
  double factor = 0.01;
  std::string mode = "rows";  // or "columns"
};

/// l1 * sum(|x|).
KERATIN_API Regularizer L1(double l1 = 0.01);

/// l2 * sum(x^2).
KERATIN_API Regularizer L2(double l2 = 0.01);

/// l1 * sum(|x|) + l2 * sum(x^2).
KERATIN_API Regularizer L1L2(L1L2Options options = {});

/// factor times the mean of |dot products| of the L2-normalised rows (columns)
/// of a matrix with each other.
KERATIN_API Regularizer OrthogonalRegularizer(OrthogonalOptions options = {});

}  // namespace keratin::regularizers
