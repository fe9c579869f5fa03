#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// A learning rate that depends on the step, computed in the graph.
class KERATIN_API ScheduleImpl : public Serializable {
 public:
  /// "Custom"; Keras's own "keras.optimizers.schedules".
  std::string module() const override;

  /// `step`: an f32 scalar, as Keras's schedules compute.
  virtual Value rate(const Value& step) const = 0;

  /// The same on the host.
  virtual double rate_at(double step) const = 0;
};

/// A learning rate: a number, or a schedule of keratin::schedules.
class KERATIN_API LearningRate final : public FieldValue {
 public:
  // NOLINTBEGIN(google-explicit-constructor): numbers read as rates
  LearningRate(double rate = 0.001) : rate_(rate) {}

  /// Throws InvalidArgument when it is null.
  LearningRate(std::shared_ptr<const ScheduleImpl> schedule);

  // NOLINTEND(google-explicit-constructor)

  bool is_schedule() const { return schedule_ != nullptr; }

  double number() const { return rate_; }

  const ScheduleImpl& schedule() const { return *schedule_; }

  /// The value at a step, computed on the host.
  double at(std::int64_t step) const;

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  double rate_ = 0;
  std::shared_ptr<const ScheduleImpl> schedule_;
};

/// Keras's class names, sorted.
KERATIN_API std::vector<std::string> schedule_names();

}  // namespace keratin

/// Keras's schedules of the step t, counted from 0. Each throws InvalidArgument
/// for numbers that cannot be (no steps to decay over).
namespace keratin::schedules {

struct DecayOptions {
  bool staircase = false;  // t / decay_steps is rounded down
  std::string name = {};   // default: the class name
};

/// initial_learning_rate * decay_rate^(t / decay_steps).
KERATIN_API LearningRate ExponentialDecay(
    double initial_learning_rate,
    double decay_steps,
    double decay_rate,
    DecayOptions options = {});

/// initial_learning_rate / (1 + decay_rate * t / decay_steps).
KERATIN_API LearningRate InverseTimeDecay(
    double initial_learning_rate,
    double decay_steps,
    double decay_rate,
    DecayOptions options = {});

/// values[0] up to and including step boundaries[0], then values[1], ...; one
/// value more than boundaries.
KERATIN_API LearningRate PiecewiseConstantDecay(
    std::vector<double> boundaries,
    std::vector<double> values,
    std::string name = "PiecewiseConstant");

struct PolynomialDecayOptions {
  double end_learning_rate = 0.0001;
  double power = 1;
  bool cycle = false;  // starts over with longer and longer decays
  std::string name = "PolynomialDecay";
};

/// (initial - end) * (1 - t / decay_steps)^power + end, then end.
KERATIN_API LearningRate PolynomialDecay(
    double initial_learning_rate,
    double decay_steps,
    PolynomialDecayOptions options = {});

struct CosineDecayOptions {
  double alpha = 0;  // the last rate, as a share of the first
  std::string name = "CosineDecay";
  /// With a target: linear from the initial rate to it in warmup_steps, from
  /// where the decay starts.
  std::optional<double> warmup_target = {};
  double warmup_steps = 0;
};

/// Half a cosine down to alpha * initial_learning_rate.
KERATIN_API LearningRate CosineDecay(
    double initial_learning_rate,
    double decay_steps,
    CosineDecayOptions options = {});

struct CosineDecayRestartsOptions {
  double t_mul = 2;  // each period is so much longer than the one before
  double m_mul = 1;  // and starts so much lower
  double alpha = 0;
  std::string name = "SGDRDecay";
};

/// CosineDecay over and over.
KERATIN_API LearningRate CosineDecayRestarts(
    double initial_learning_rate,
    double first_decay_steps,
    CosineDecayRestartsOptions options = {});

}  // namespace keratin::schedules
