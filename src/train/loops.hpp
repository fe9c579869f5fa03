#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/train/callback_list.hpp"
#include "src/train/feed.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

/// Throws InvalidArgument that says to call compile before `what`.
void require_compiled(const ModelImpl& model, const char* what);

/// Throws InvalidArgument unless value >= 1.
void require_positive(
    const std::string& who, const char* what, std::int64_t value);

/// Refuses to go on without end: a dataset that repeats for ever needs a number
/// of steps, given as `argument`.
void require_steps(
    const std::string& who,
    const data::Dataset& dataset,
    const std::optional<std::int64_t>& steps,
    const char* argument);

/// Runs the training or test program on the batches of a feed, which outlives
/// it. `who` starts the messages.
class StepRunner {
 public:
  StepRunner(ModelImpl& model, Mode mode, const Feed& feed, std::string who);

  /// More targets to check before the first step runs: of validation, by the
  /// name `who`. `data` outlives this.
  void check_also(std::string who, const FeedData& data);

  /// Builds the program for such batches, and with it what the step needs.
  void prepare(const FeedData& batch);

  void run(const FeedData& batch);

 private:
  void check(const FeedData& batch);

  ModelImpl& model_;
  Mode mode_;
  const Feed& feed_;
  std::string who_;
  std::shared_ptr<Program> program_;
  std::int64_t rows_ = -1;
  bool checked_ = false;
  std::pair<std::string, const FeedData*> also_{};
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
};

/// The test loop, inside fit or alone: one pass, or `steps` of it.
Logs run_evaluation(
    ModelImpl& model,
    const std::string& who,
    Feed& feed,
    std::optional<std::int64_t> steps,
    CallbackList& callbacks);

}  // namespace keratin
