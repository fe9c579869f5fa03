#include <utility>

#include <keratin/constraints.hpp>
#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "layers/functions/table.hpp"

namespace keratin {

std::string ConstraintImpl::module() const {
  return "keras.constraints";
}

namespace {

constexpr double kEpsilon = 1e-7;  // Keras's backend.epsilon()

Value norm_of(const Value& x, const Dims& axis) {
  return ops::sqrt(ops::sum(ops::square(x), axis.values(), true));
}

class MaxNormImpl final : public ConstraintImpl {
 public:
  explicit MaxNormImpl(constraints::MaxNormOptions options = {})
      : o_(std::move(options)) {}

  std::string class_name() const override { return "MaxNorm"; }

  void fields(FieldVisitor& visit) override {
    visit("max_value", o_.max_value);
    visit("axis", o_.axis);
  }

  Value project(const Value& x) const override {
    const Value norm = norm_of(x, o_.axis);
    return x * (ops::clip(norm, 0, o_.max_value) / (norm + kEpsilon));
  }

 private:
  constraints::MaxNormOptions o_;
};

class MinMaxNormImpl final : public ConstraintImpl {
 public:
  explicit MinMaxNormImpl(constraints::MinMaxNormOptions options = {})
      : o_(std::move(options)) {}

  std::string class_name() const override { return "MinMaxNorm"; }

  void fields(FieldVisitor& visit) override {
    visit("min_value", o_.min_value);
    visit("max_value", o_.max_value);
    visit("rate", o_.rate);
    visit("axis", o_.axis);
  }

  Value project(const Value& x) const override {
    const Value norm = norm_of(x, o_.axis);
    const Value wanted = o_.rate * ops::clip(norm, o_.min_value, o_.max_value) +
                         (1 - o_.rate) * norm;
    return x * (wanted / (norm + kEpsilon));
  }

 private:
  constraints::MinMaxNormOptions o_;
};

class NonNegImpl final : public ConstraintImpl {
 public:
  std::string class_name() const override { return "NonNeg"; }

  Value project(const Value& x) const override { return ops::maximum(x, 0.0); }
};

class UnitNormImpl final : public ConstraintImpl {
 public:
  explicit UnitNormImpl(constraints::UnitNormOptions options = {})
      : o_(std::move(options)) {}

  std::string class_name() const override { return "UnitNorm"; }

  void fields(FieldVisitor& visit) override { visit("axis", o_.axis); }

  Value project(const Value& x) const override {
    return x / (norm_of(x, o_.axis) + kEpsilon);
  }

 private:
  constraints::UnitNormOptions o_;
};

using layers::make_entry;

constexpr layers::Entry<ConstraintImpl> kEntries[] = {
    {"MaxNorm", &make_entry<ConstraintImpl, MaxNormImpl>},
    {"MinMaxNorm", &make_entry<ConstraintImpl, MinMaxNormImpl>},
    {"NonNeg", &make_entry<ConstraintImpl, NonNegImpl>},
    {"UnitNorm", &make_entry<ConstraintImpl, UnitNormImpl>},
    {"max_norm", &make_entry<ConstraintImpl, MaxNormImpl>},
    {"min_max_norm", &make_entry<ConstraintImpl, MinMaxNormImpl>},
    {"non_neg", &make_entry<ConstraintImpl, NonNegImpl>},
    {"unit_norm", &make_entry<ConstraintImpl, UnitNormImpl>},
};

std::span<const layers::Entry<ConstraintImpl>> entries() {
  return kEntries;
}

}  // namespace

Constraint::Constraint() = default;

Constraint::Constraint(const char* name) : Constraint(std::string(name)) {}

Constraint::Constraint(std::string name)
    : impl_(layers::make_from_config(
          entries(), Config(std::move(name)), "constraint", "constraint")) {}

Constraint::Constraint(std::shared_ptr<const ConstraintImpl> impl)
    : impl_(std::move(impl)) {}

Value Constraint::operator()(const Value& x) const {
  return impl_->project(x);
}

Config Constraint::to_config() const {
  return impl_ ? serialize(*impl_) : Config();
}

void Constraint::from_config(const Config& config, const std::string& where) {
  if (config.is_null()) {
    impl_ = nullptr;
  } else {
    impl_ = layers::make_from_config(entries(), config, "constraint", where);
  }
}

Config Constraint::schema() const {
  return layers::entry_schema(entries());
}

std::vector<std::string> constraint_names() {
  return layers::entry_names(entries());
}

namespace constraints {

Constraint MaxNorm(MaxNormOptions options) {
  return {std::make_shared<const MaxNormImpl>(std::move(options))};
}

Constraint MinMaxNorm(MinMaxNormOptions options) {
  return {std::make_shared<const MinMaxNormImpl>(std::move(options))};
}

Constraint NonNeg() {
  return {std::make_shared<const NonNegImpl>()};
}

Constraint UnitNorm(UnitNormOptions options) {
  return {std::make_shared<const UnitNormImpl>(std::move(options))};
}

}  // namespace constraints

}  // namespace keratin
