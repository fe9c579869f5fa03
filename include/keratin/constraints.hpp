#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// A projection applied to a weight after every optimizer step.
class KERATIN_API ConstraintImpl : public Serializable {
 public:
  std::string module() const override;

  /// The projected weight, of the same type.
  virtual Value project(const Value& x) const = 0;
};

/// A handle on a constraint, made from Keras's name ("max_norm", "non_neg",
/// "unit_norm", "min_max_norm") or
/// one of keratin::constraints. Default: none.
class KERATIN_API Constraint final : public FieldValue {
 public:
  Constraint();

  // NOLINTBEGIN(google-explicit-constructor): names read as constraints
  Constraint(const char* name);
  Constraint(std::string name);
  Constraint(std::shared_ptr<const ConstraintImpl> impl);

  // NOLINTEND(google-explicit-constructor)

  explicit operator bool() const { return impl_ != nullptr; }

  Value operator()(const Value& x) const;

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::shared_ptr<const ConstraintImpl> impl_;
};

KERATIN_API std::vector<std::string> constraint_names();

}  // namespace keratin

/// Keras's constraints. Norms are L2 norms over `axis` (one or several).
namespace keratin::constraints {

struct MaxNormOptions {
  double max_value = 2;
  Dims axis = 0;
};

struct MinMaxNormOptions {
  double min_value = 0;
  double max_value = 1;
  /// 1: norms go into the range at once; below: that part of the way.
  double rate = 1;
  Dims axis = 0;
};

struct UnitNormOptions {
  Dims axis = 0;
};

KERATIN_API Constraint MaxNorm(MaxNormOptions options = {});
KERATIN_API Constraint MinMaxNorm(MinMaxNormOptions options = {});
KERATIN_API Constraint NonNeg();
KERATIN_API Constraint UnitNorm(UnitNormOptions options = {});

}  // namespace keratin::constraints
