#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// A learning rate that depends on the step, computed in the graph.
class KERATIN_API ScheduleImpl : public Serializable {
 public:
  std::string module() const override;

  /// `step`: scalar of the dtype the rate is wanted in (f32 or f64).
  virtual Value rate(const Value& step) const = 0;
};

/// A learning rate: a number, or a schedule of keratin::schedules.
class KERATIN_API LearningRate final : public FieldValue {
 public:
  // NOLINTBEGIN(google-explicit-constructor): numbers read as rates
  LearningRate(double rate = 0.001) : rate_(rate) {}

  LearningRate(std::shared_ptr<const ScheduleImpl> schedule)
      : schedule_(std::move(schedule)) {}
  // NOLINTEND(google-explicit-constructor)

  bool is_schedule() const { return schedule_ != nullptr; }

  double number() const { return rate_; }

  const ScheduleImpl& schedule() const { return *schedule_; }

  /// A schedule's value at a step, computed on the host in double.
  double at(std::int64_t step) const;

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  double rate_ = 0;
  std::shared_ptr<const ScheduleImpl> schedule_;
};

KERATIN_API std::vector<std::string> schedule_names();

}  // namespace keratin
