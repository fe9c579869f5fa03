#include <cmath>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/regularizers.hpp>

#include "layers/functions/rounding.hpp"
#include "layers/functions/table.hpp"

namespace keratin {

std::string RegularizerImpl::module() const {
  return "keras.regularizers";
}

namespace {

using layers::float_rounded;

double checked(double factor, const char* name) {
  if (!std::isfinite(factor) || factor < 0) {
    throw InvalidArgument(format(
        "[regularizer] expected a finite {} >= 0, got {}", name, factor));
  }
  return factor;
}

// Keras keeps factors in float32 whatever the dtype of x.

Value l1_term(const Value& x, double factor) {
  return ops::sum(ops::abs(x)) * float_rounded(factor);
}

Value l2_term(const Value& x, double factor) {
  return ops::sum(ops::square(x)) * float_rounded(factor);
}

class L1Impl final : public RegularizerImpl {
 public:
  explicit L1Impl(double l1 = 0.01) : l1_(checked(l1, "l1")) {}

  std::string class_name() const override { return "L1"; }

  void fields(FieldVisitor& visit) override {
    visit("l1", l1_, {.minimum = 0});
  }

  Value penalty(const Value& x) const override { return l1_term(x, l1_); }

 private:
  double l1_;
};

class L2Impl final : public RegularizerImpl {
 public:
  explicit L2Impl(double l2 = 0.01) : l2_(checked(l2, "l2")) {}

  std::string class_name() const override { return "L2"; }

  void fields(FieldVisitor& visit) override {
    visit("l2", l2_, {.minimum = 0});
  }

  Value penalty(const Value& x) const override { return l2_term(x, l2_); }

 private:
  double l2_;
};

class L1L2Impl final : public RegularizerImpl {
 public:
  explicit L1L2Impl(regularizers::L1L2Options options = {}) : o_(options) {
    checked(o_.l1, "l1");
    checked(o_.l2, "l2");
  }

  std::string class_name() const override { return "L1L2"; }

  void fields(FieldVisitor& visit) override {
    visit("l1", o_.l1, {.minimum = 0});
    visit("l2", o_.l2, {.minimum = 0});
  }

  Value penalty(const Value& x) const override {
    if (o_.l2 == 0) return l1_term(x, o_.l1);
    if (o_.l1 == 0) return l2_term(x, o_.l2);
    return l1_term(x, o_.l1) + l2_term(x, o_.l2);
  }

 private:
  regularizers::L1L2Options o_;
};

class Orthogonal final : public RegularizerImpl {
 public:
  explicit Orthogonal(regularizers::OrthogonalOptions options = {})
      : o_(std::move(options)) {
    checked(o_.factor, "factor");
    if (o_.mode != "rows" && o_.mode != "columns") {
      throw InvalidArgument(format(
          "[regularizer] expected mode \"rows\" or \"columns\", got \"{}\"",
          o_.mode));
    }
  }

  std::string class_name() const override { return "OrthogonalRegularizer"; }

  void fields(FieldVisitor& visit) override {
    visit("factor", o_.factor, {.minimum = 0});
    visit("mode", o_.mode, {.choices = {"rows", "columns"}});
  }

  Value penalty(const Value& x) const override {
    if (x.rank() != 2) {
      throw InvalidArgument(format(
          "[OrthogonalRegularizer] expected a matrix, got {}{}",
          x.dtype(),
          x.shape()));
    }
    const bool rows = o_.mode == "rows";
    const std::int64_t axis = rows ? 1 : 0;
    const std::int64_t size = x.shape()[rows ? 0 : 1];
    const Value norm =
        ops::minimum(ops::rsqrt(ops::sum(ops::square(x), {axis}, true)), 1e7);
    const Value unit = x * norm;
    const Value product =
        ops::matmul(unit, unit, {.transpose_a = !rows, .transpose_b = rows});
    const Shape square = {size, size};
    Graph& graph = x.graph();
    const Value off_diagonal = ops::cast(
        ops::not_equal(
            ops::iota(graph, square, 0, DType::i32),
            ops::iota(graph, square, 1, DType::i32)),
        x.dtype());
    const double pairs =
        static_cast<double>(size) * static_cast<double>(size - 1) / 2;
    return ops::sum(ops::abs(product * off_diagonal)) *
           (o_.factor * 0.5 / pairs);
  }

 private:
  regularizers::OrthogonalOptions o_;
};

using layers::make_entry;

constexpr layers::Entry<RegularizerImpl> kEntries[] = {
    {"L1", &make_entry<RegularizerImpl, L1Impl>},
    {"L1L2", &make_entry<RegularizerImpl, L1L2Impl>},
    {"L2", &make_entry<RegularizerImpl, L2Impl>},
    {"OrthogonalRegularizer", &make_entry<RegularizerImpl, Orthogonal>},
    {"l1", &make_entry<RegularizerImpl, L1Impl>},
    {"l1_l2", &make_entry<RegularizerImpl, L1L2Impl>},
    {"l1l2", &make_entry<RegularizerImpl, L1L2Impl>},
    {"l2", &make_entry<RegularizerImpl, L2Impl>},
    {"orthogonal_regularizer", &make_entry<RegularizerImpl, Orthogonal>},
};

std::span<const layers::Entry<RegularizerImpl>> entries() {
  return kEntries;
}

}  // namespace

Regularizer::Regularizer() = default;

Regularizer::Regularizer(const char* name) : Regularizer(std::string(name)) {}

Regularizer::Regularizer(std::string name)
    : impl_(layers::make_from_config(
          entries(), Config(std::move(name)), "regularizer", "regularizer")) {}

Regularizer::Regularizer(std::shared_ptr<const RegularizerImpl> impl)
    : impl_(std::move(impl)) {}

Value Regularizer::operator()(const Value& x) const {
  return impl_->penalty(x);
}

Config Regularizer::to_config() const {
  return impl_ ? serialize(*impl_) : Config();
}

void Regularizer::from_config(const Config& config, const std::string& where) {
  if (config.is_null()) {
    impl_ = nullptr;
  } else {
    impl_ = layers::make_from_config(entries(), config, "regularizer", where);
  }
}

Config Regularizer::schema() const {
  return layers::entry_schema(entries());
}

std::vector<std::string> regularizer_names() {
  return layers::entry_names(entries());
}

namespace regularizers {

Regularizer L1(double l1) {
  return {std::make_shared<const L1Impl>(l1)};
}

Regularizer L2(double l2) {
  return {std::make_shared<const L2Impl>(l2)};
}

Regularizer L1L2(L1L2Options options) {
  return {std::make_shared<const L1L2Impl>(options)};
}

Regularizer OrthogonalRegularizer(OrthogonalOptions options) {
  return {std::make_shared<const Orthogonal>(std::move(options))};
}

}  // namespace regularizers

}  // namespace keratin
