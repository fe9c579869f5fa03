#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "src/train/loops.hpp"

namespace keratin {

/// The steps of training, epoch after epoch.
class Epochs {
 public:
  /// `feed` outlives this. `who` starts messages.
  Epochs(
      ModelImpl& model,
      Feed& feed,
      std::optional<std::int64_t> steps_per_epoch,
      const std::string& who);

  StepRunner& runner() { return runner_; }

  /// Steps of an epoch; none when that is not known.
  std::optional<std::int64_t> steps() const {
    return limit_ ? limit_ : feed_.batches();
  }

  /// Whether a pass over the data is to go on with the next step.
  bool in_pass() const { return in_pass_; }

  void set_in_pass(bool in_pass) { in_pass_ = in_pass; }

  /// Asked after a step that all callbacks have seen, with the number of steps
  /// done: whether to end here.
  using AfterStep = std::function<bool(std::int64_t)>;

  /// One epoch, of which `done` steps have been made. False: ended by `after`.
  bool run(CallbackList& callbacks, std::int64_t done, const AfterStep& after);

 private:
  void start();
  bool advance();
  void warn_of_end(std::int64_t step) const;

  ModelImpl& model_;
  Feed& feed_;
  StepRunner runner_;
  std::optional<std::int64_t> limit_;
  std::int64_t group_;
  bool in_pass_ = false;
  FeedData batch_;
};

}  // namespace keratin
