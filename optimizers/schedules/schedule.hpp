#pragma once

#include <string>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/schedules.hpp>

#include "optimizers/number.hpp"
#include "optimizers/schedules/formulas.hpp"
#include "src/core/format.hpp"

namespace keratin::schedules {

/// One of Keras's schedules. `Self` has
///
///   template <class T> T formula(const T& t) const;
///   void check(const std::string& where) const;  // throws InvalidArgument
template <class Self>
class KerasSchedule : public ScheduleImpl {
 public:
  std::string module() const override { return "keras.optimizers.schedules"; }

  Value rate(const Value& step) const override {
    return self().template formula<Value>(step);
  }

  double rate_at(double step) const override {
    return self().template formula<float>(static_cast<float>(step));
  }

  void from_config(const Config& config, const std::string& where) override {
    ScheduleImpl::from_config(config, where);
    self().check(where);
  }

 private:
  const Self& self() const { return static_cast<const Self&>(*this); }
};

inline float rounded(double value) {
  return static_cast<float>(value);
}

inline float rounded(const Number& number) {
  return rounded(number.value());
}

/// Throws unless there are steps to decay over.
inline void check_steps(
    const std::string& where, const char* name, const Number& steps) {
  if (steps.value() > 0) return;
  throw InvalidArgument(
      format("[{}] expected {} > 0, got {}", where, name, steps.value()));
}

// One of each, to be filled from a config.
std::shared_ptr<ScheduleImpl> make_cosine();
std::shared_ptr<ScheduleImpl> make_cosine_restarts();
std::shared_ptr<ScheduleImpl> make_exponential();
std::shared_ptr<ScheduleImpl> make_inverse_time();
std::shared_ptr<ScheduleImpl> make_piecewise();
std::shared_ptr<ScheduleImpl> make_polynomial();

}  // namespace keratin::schedules
