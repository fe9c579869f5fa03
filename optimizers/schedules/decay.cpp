// ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay.

#include <utility>

#include "optimizers/schedules/schedule.hpp"

namespace keratin::schedules {

namespace {

/// t / decay_steps and a rate: two of the schedules.
template <class Self>
class RateDecay : public KerasSchedule<Self> {
 public:
  RateDecay() = default;

  RateDecay(double initial, double steps, double rate, DecayOptions options)
      : initial_(initial),
        steps_(steps),
        rate_(rate),
        staircase_(options.staircase),
        name_(std::move(options.name)) {}

  void fields(FieldVisitor& visit) override {
    if (name_.empty()) name_ = this->class_name();
    visit("initial_learning_rate", initial_, {.required = true});
    visit("decay_steps", steps_, {.required = true});
    visit("decay_rate", rate_, {.required = true});
    visit("staircase", staircase_);
    visit("name", name_);
  }

  void check(const std::string& where) const {
    check_steps(where, "decay_steps", steps_);
  }

 protected:
  template <class T>
  T periods(const T& t) const {
    // A stair must not begin late for a reciprocal that is rounded down.
    if (staircase_) return math::floor(t / rounded(steps_));
    return math::per(t, rounded(steps_));
  }

  /// decay_rate times periods.
  template <class T>
  T decay(const T& t) const {
    if (staircase_) return decay_rate() * periods(t);
    return math::per(decay_rate(), t, rounded(steps_));
  }

  float initial() const { return rounded(initial_); }

  float decay_rate() const { return rounded(rate_); }

 private:
  double initial_ = 0;
  Number steps_;
  Number rate_;
  bool staircase_ = false;
  std::string name_;
};

class ExponentialImpl final : public RateDecay<ExponentialImpl> {
 public:
  using RateDecay::RateDecay;

  std::string class_name() const override { return "ExponentialDecay"; }

  template <class T>
  T formula(const T& t) const {
    return initial() * math::pow(decay_rate(), periods(t));
  }
};

class InverseTimeImpl final : public RateDecay<InverseTimeImpl> {
 public:
  using RateDecay::RateDecay;

  std::string class_name() const override { return "InverseTimeDecay"; }

  template <class T>
  T formula(const T& t) const {
    return initial() / (1.0F + decay(t));
  }
};

/// A list that configs write as Python had it.
Config numbers_config(const std::vector<double>& values) {
  Config out = Config::array();
  for (const double value : values) out.push_back(Number(value).to_config());
  return out;
}

std::vector<double> read_numbers(
    const Config& config, const std::string& where, const char* name) {
  std::vector<double> out;
  if (config.is_array()) {
    for (const Config& item : config.as_array()) {
      if (!item.is_number()) break;
      out.push_back(item.as_number());
    }
  }
  if (!config.is_array() || out.size() != config.size()) {
    throw InvalidArgument(format(
        "[{}.{}] expected a list of numbers, got {}",
        where,
        name,
        config.kind()));
  }
  return out;
}

class PiecewiseImpl final : public KerasSchedule<PiecewiseImpl> {
 public:
  PiecewiseImpl() = default;

  PiecewiseImpl(
      std::vector<double> boundaries,
      std::vector<double> values,
      std::string name)
      : boundaries_(std::move(boundaries)),
        values_(std::move(values)),
        boundaries_config_(numbers_config(boundaries_)),
        values_config_(Config::array()),
        name_(std::move(name)) {
    for (const double value : values_) values_config_.push_back(value);
  }

  std::string class_name() const override { return "PiecewiseConstantDecay"; }

  void fields(FieldVisitor& visit) override {
    visit("boundaries", boundaries_config_, {.required = true});
    visit("values", values_config_, {.required = true});
    visit("name", name_);
  }

  void from_config(const Config& config, const std::string& where) override {
    ScheduleImpl::from_config(config, where);
    boundaries_ = read_numbers(boundaries_config_, where, "boundaries");
    values_ = read_numbers(values_config_, where, "values");
    check(where);
  }

  void check(const std::string& where) const {
    if (values_.size() != boundaries_.size() + 1) {
      throw InvalidArgument(format(
          "[{}] expected one value more than boundaries, got {} for {}",
          where,
          values_.size(),
          boundaries_.size()));
    }
  }

  template <class T>
  T formula(const T& t) const {
    T rate = math::constant_like(t, rounded(values_.back()));
    for (std::size_t i = boundaries_.size(); i-- > 0;) {
      rate = math::up_to(
          t,
          rounded(boundaries_[i]),
          math::constant_like(t, rounded(values_[i])),
          rate);
    }
    return rate;
  }

 private:
  std::vector<double> boundaries_;
  std::vector<double> values_;
  Config boundaries_config_;
  Config values_config_;
  std::string name_ = "PiecewiseConstant";
};

class PolynomialImpl final : public KerasSchedule<PolynomialImpl> {
 public:
  PolynomialImpl() = default;

  PolynomialImpl(double initial, double steps, PolynomialDecayOptions options)
      : initial_(initial), steps_(steps), o_(std::move(options)) {}

  std::string class_name() const override { return "PolynomialDecay"; }

  void fields(FieldVisitor& visit) override {
    visit("initial_learning_rate", initial_, {.required = true});
    visit("decay_steps", steps_, {.required = true});
    visit("end_learning_rate", o_.end_learning_rate);
    visit("power", o_.power);
    visit("cycle", o_.cycle);
    visit("name", o_.name);
  }

  void check(const std::string& where) const {
    check_steps(where, "decay_steps", steps_);
  }

  template <class T>
  T formula(const T& t) const {
    const float steps = rounded(steps_);
    const float end = rounded(o_.end_learning_rate);
    T p = math::per(math::min(t, steps), steps);
    if (o_.cycle) {
      const T cycles =
          math::up_to(t, 0, math::constant_like(t, 1), math::ceil(t / steps));
      p = t / (steps * cycles);
    }
    return (rounded(initial_) - end) * math::pow(1.0F - p, rounded(o_.power)) +
           end;
  }

 private:
  double initial_ = 0;
  Number steps_;
  PolynomialDecayOptions o_;
};

template <class Impl, class... Args>
LearningRate make(const char* where, Args&&... args) {
  auto schedule = std::make_shared<Impl>(std::forward<Args>(args)...);
  schedule->check(where);
  return LearningRate(std::shared_ptr<const ScheduleImpl>(schedule));
}

}  // namespace

LearningRate ExponentialDecay(
    double initial_learning_rate,
    double decay_steps,
    double decay_rate,
    DecayOptions options) {
  return make<ExponentialImpl>(
      "ExponentialDecay",
      initial_learning_rate,
      decay_steps,
      decay_rate,
      std::move(options));
}

LearningRate InverseTimeDecay(
    double initial_learning_rate,
    double decay_steps,
    double decay_rate,
    DecayOptions options) {
  return make<InverseTimeImpl>(
      "InverseTimeDecay",
      initial_learning_rate,
      decay_steps,
      decay_rate,
      std::move(options));
}

LearningRate PiecewiseConstantDecay(
    std::vector<double> boundaries,
    std::vector<double> values,
    std::string name) {
  return make<PiecewiseImpl>(
      "PiecewiseConstantDecay",
      std::move(boundaries),
      std::move(values),
      std::move(name));
}

LearningRate PolynomialDecay(
    double initial_learning_rate,
    double decay_steps,
    PolynomialDecayOptions options) {
  return make<PolynomialImpl>(
      "PolynomialDecay",
      initial_learning_rate,
      decay_steps,
      std::move(options));
}

std::shared_ptr<ScheduleImpl> make_exponential() {
  return std::make_shared<ExponentialImpl>();
}

std::shared_ptr<ScheduleImpl> make_inverse_time() {
  return std::make_shared<InverseTimeImpl>();
}

std::shared_ptr<ScheduleImpl> make_piecewise() {
  return std::make_shared<PiecewiseImpl>();
}

std::shared_ptr<ScheduleImpl> make_polynomial() {
  return std::make_shared<PolynomialImpl>();
}

}  // namespace keratin::schedules
