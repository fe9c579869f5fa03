#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/model.hpp>
#include <keratin/training.hpp>

#include "src/ir/graph.hpp"
#include "src/runtime/choices.hpp"
#include "src/runtime/program.hpp"
#include "src/train/program_cache.hpp"

namespace keratin {

struct FeedData;

enum class Mode { train, test, predict };

/// A running mean (Keras's metrics.Mean) that steps add to.
struct MeanTracker {
  std::string name;
  Variable total;
  Variable count;

  explicit MeanTracker(std::string tracker_name);

  /// total += value * weight, count += weight.
  void update(CallContext& ctx, const Value& value, double weight) const;
  Value result(CallContext& ctx) const;
  void reset();
};

/// The loss of one output, as compile resolved it.
struct OutputLoss {
  std::size_t output = 0;
  Loss loss;
  std::optional<double> weight;
  std::shared_ptr<MeanTracker> tracker;  // only when there are several losses
};

struct OutputMetric {
  std::size_t output = 0;
  Metric metric;  // never generic
  bool weighted = false;
  std::string log_name;
};

/// Programs of one model by mode and input types: more would mean that shapes
/// change with every batch.
inline constexpr std::size_t kProgramCapacity = 32;

/// What a model keeps for training.
struct TrainerState {
  bool compiled = false;
  bool scales_loss = false;  // compile wrapped the optimizer
  CompileArguments arguments;

  // Trainable weights at the first step after compile: what is updated.
  std::vector<Variable> trained;
  bool trained_known = false;

  // Made at the first step, when the shapes are known.
  bool resolved = false;
  std::vector<OutputLoss> losses;
  std::vector<OutputMetric> metrics;
  std::shared_ptr<MeanTracker> loss_tracker;
  std::vector<std::shared_ptr<MeanTracker>> tracked;  // StepContext::track

  ProgramCache programs{kProgramCapacity};

  std::mutex mutex;                  // guards building and what follows
  Backend* backend = nullptr;        // of the programs
  std::shared_ptr<Program> results;  // of the metrics
  std::vector<std::string> result_names;
  std::shared_ptr<ProgramGroup> group = std::make_shared<ProgramGroup>();

  // What the backend chose by timing for the model's programs; a part of the
  // model's file, so that a resumed run makes the same choices.
  std::shared_ptr<Choices> choices = std::make_shared<Choices>();

  /// Forgets losses, metrics and programs, as compile does.
  void reset();

  /// Forgets the programs when another backend computes from now on.
  void use_backend(Backend& next);

  MeanTracker& tracker(const std::string& name);
};

/// Makes the weights of a model that has none yet. Safe from several threads.
void build_model(ModelImpl& model, const std::vector<Tensor>& x);

/// The program of a mode for a batch of these types, built if need be.
/// `partial`: the batch is smaller than the run's others. When building fails,
/// the state is as before.
std::shared_ptr<Program> step_program(
    ModelImpl& model, Mode mode, const FeedData& batch, bool partial);

/// Matches losses and metrics with the outputs (Keras's CompileLoss and
/// CompileMetrics). `y` and `y_pred` as in the first step.
void resolve_losses(
    ModelImpl& model,
    const std::vector<Value>& y,
    const std::vector<Value>& y_pred);
void resolve_metrics(
    ModelImpl& model,
    const std::vector<Value>& y,
    const std::vector<Value>& y_pred);

/// Refuses a step without a target that a loss or a metric needs. REQUIRES:
/// they are resolved, and there is an entry per output.
void require_targets(const ModelImpl& model, const std::vector<Value>& y);

/// Warns, once, about a cross-entropy that takes probabilities after a layer
/// that yields none.
void warn_about_logits(const ModelImpl& model);

/// The log names of the metrics with their values now, in Keras's order.
std::vector<Logs::Entry> metric_values(ModelImpl& model);

}  // namespace keratin
