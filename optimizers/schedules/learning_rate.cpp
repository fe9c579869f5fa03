#include <array>
#include <cmath>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/schedules.hpp>

#include "optimizers/schedules/schedule.hpp"
#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

struct Entry {
  std::string_view name;
  std::shared_ptr<ScheduleImpl> (*make)();
};

constexpr std::array kSchedules = {
    Entry{"CosineDecay", &schedules::make_cosine},
    Entry{"CosineDecayRestarts", &schedules::make_cosine_restarts},
    Entry{"ExponentialDecay", &schedules::make_exponential},
    Entry{"InverseTimeDecay", &schedules::make_inverse_time},
    Entry{"PiecewiseConstantDecay", &schedules::make_piecewise},
    Entry{"PolynomialDecay", &schedules::make_polynomial},
};

}  // namespace

std::string ScheduleImpl::module() const {
  return "Custom";
}

LearningRate::LearningRate(std::shared_ptr<const ScheduleImpl> schedule)
    : schedule_(std::move(schedule)) {
  if (!schedule_) {
    throw InvalidArgument("[learning_rate] expected a schedule, got null");
  }
}

double LearningRate::at(std::int64_t step) const {
  return schedule_ ? schedule_->rate_at(static_cast<double>(step)) : rate_;
}

Config LearningRate::to_config() const {
  return schedule_ ? serialize(*schedule_) : Config(rate_);
}

void LearningRate::from_config(const Config& config, const std::string& where) {
  if (config.is_number()) {
    const double rate = config.as_number();
    if (!std::isfinite(rate)) {
      throw InvalidArgument(
          format("[{}] expected a finite number, got {}", where, rate));
    }
    rate_ = rate;
    schedule_ = nullptr;
    return;
  }
  if (!config.is_object()) {
    throw InvalidArgument(format(
        "[{}] expected a number or a schedule, got {}", where, config.kind()));
  }
  const SerializedObject object = parse_serialized(config, where);
  for (const Entry& entry : kSchedules) {
    if (entry.name != object.class_name) continue;
    std::shared_ptr<ScheduleImpl> schedule = entry.make();
    schedule->from_config(object.config, where);
    schedule_ = std::move(schedule);
    return;
  }
  throw InvalidArgument(format(
      "[{}] no schedule is called '{}'{}",
      where,
      object.class_name,
      did_you_mean(object.class_name, schedule_names())));
}

Config LearningRate::schema() const {
  Config any = Config::array({Config::object({{"type", "number"}})});
  for (const Entry& entry : kSchedules) {
    any.push_back(Config::object(
        {{"type", "object"},
         {"properties",
          Config::object(
              {{"class_name", Config::object({{"const", Config(entry.name)}})},
               {"config", fields_schema(*entry.make())}})},
         {"required", Config::array({"class_name", "config"})}}));
  }
  return Config::object({{"anyOf", std::move(any)}});
}

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const Entry& entry : kSchedules) names.emplace_back(entry.name);
  return names;
}

}  // namespace keratin
