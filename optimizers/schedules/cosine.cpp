// CosineDecay and CosineDecayRestarts.

#include <numbers>
#include <utility>

#include "optimizers/schedules/schedule.hpp"

namespace keratin::schedules {

namespace {

constexpr auto kPi = std::numbers::pi_v<float>;

class CosineImpl final : public KerasSchedule<CosineImpl> {
 public:
  CosineImpl() = default;

  CosineImpl(double initial, double steps, CosineDecayOptions options)
      : initial_(initial),
        steps_(steps),
        warmup_steps_(options.warmup_steps),
        o_(std::move(options)) {}

  std::string class_name() const override { return "CosineDecay"; }

  void fields(FieldVisitor& visit) override {
    visit("initial_learning_rate", initial_, {.required = true});
    visit("decay_steps", steps_, {.required = true});
    visit("alpha", o_.alpha);
    visit("name", o_.name);
    visit("warmup_target", o_.warmup_target);
    visit("warmup_steps", warmup_steps_);
  }

  void check(const std::string& where) const {
    check_steps(where, "decay_steps", steps_);
  }

  template <class T>
  T formula(const T& t) const {
    const float steps = rounded(steps_);
    const auto decay = [&](const T& x, double from) -> T {
      const T share =
          rounded(1 - o_.alpha) *
              (0.5F * (1.0F + math::cos(math::per(kPi, x, steps)))) +
          rounded(o_.alpha);
      return rounded(from) * share;
    };
    if (!o_.warmup_target) return decay(math::min(t, steps), initial_);
    const float target = rounded(*o_.warmup_target);
    const float warmup = rounded(warmup_steps_);
    if (warmup <= 0) return decay(math::min(t, steps), target);
    const T x = math::min(t, steps + warmup);
    const float initial = rounded(initial_);
    const T up = (target - initial) * math::per(x, warmup) + initial;
    return math::below(x, warmup, up, decay(x - warmup, target));
  }

 private:
  double initial_ = 0;
  Number steps_;
  Number warmup_steps_;
  CosineDecayOptions o_;  // without warmup_steps
};

class RestartsImpl final : public KerasSchedule<RestartsImpl> {
 public:
  RestartsImpl() = default;

  RestartsImpl(double initial, double steps, CosineDecayRestartsOptions options)
      : initial_(initial), steps_(steps), o_(std::move(options)) {}

  std::string class_name() const override { return "CosineDecayRestarts"; }

  void fields(FieldVisitor& visit) override {
    visit("initial_learning_rate", initial_, {.required = true});
    visit("first_decay_steps", steps_, {.required = true});
    visit("t_mul", o_.t_mul);
    visit("m_mul", o_.m_mul);
    visit("alpha", o_.alpha);
    visit("name", o_.name);
  }

  void check(const std::string& where) const {
    check_steps(where, "first_decay_steps", steps_);
  }

  template <class T>
  T formula(const T& t) const {
    const float grow = rounded(o_.t_mul);
    // Periods of one length must not begin late for a rounded reciprocal.
    const T p = grow == 1 ? t / rounded(steps_) : math::per(t, rounded(steps_));
    T period = math::floor(p);
    T done = p - period;
    if (grow != 1) {
      // Periods 0 to i take (1 - grow^(i + 1)) / (1 - grow) together.
      period =
          math::floor(math::log(1.0F - p * (1.0F - grow)) / std::log(grow));
      const T length = math::pow(grow, period);
      done = (p - (1.0F - length) / (1.0F - grow)) / length;
    }
    const T top = math::pow(rounded(o_.m_mul), period);
    const T wave = 1.0F + math::cos(kPi * done);
    return math::waves(rounded(initial_), rounded(o_.alpha), top, wave);
  }

 private:
  double initial_ = 0;
  Number steps_;
  CosineDecayRestartsOptions o_;
};

}  // namespace

LearningRate CosineDecay(
    double initial_learning_rate,
    double decay_steps,
    CosineDecayOptions options) {
  auto schedule = std::make_shared<CosineImpl>(
      initial_learning_rate, decay_steps, std::move(options));
  schedule->check("CosineDecay");
  return LearningRate(std::shared_ptr<const ScheduleImpl>(schedule));
}

LearningRate CosineDecayRestarts(
    double initial_learning_rate,
    double first_decay_steps,
    CosineDecayRestartsOptions options) {
  auto schedule = std::make_shared<RestartsImpl>(
      initial_learning_rate, first_decay_steps, std::move(options));
  schedule->check("CosineDecayRestarts");
  return LearningRate(std::shared_ptr<const ScheduleImpl>(schedule));
}

std::shared_ptr<ScheduleImpl> make_cosine() {
  return std::make_shared<CosineImpl>();
}

std::shared_ptr<ScheduleImpl> make_cosine_restarts() {
  return std::make_shared<RestartsImpl>();
}

}  // namespace keratin::schedules
