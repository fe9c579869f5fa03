#include "src/train/epochs.hpp"

#include <keratin/callbacks.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin {

Epochs::Epochs(
    ModelImpl& model,
    Feed& feed,
    std::optional<std::int64_t> steps_per_epoch,
    const std::string& who)
    : model_(model),
      feed_(feed),
      runner_(model, Mode::train, feed_, who),
      limit_(steps_per_epoch),
      group_(model.compile_arguments().steps_per_execution) {}

bool Epochs::run(
    CallbackList& callbacks, std::int64_t done, const AfterStep& after) {
  // With steps_per_epoch an epoch goes on where the last one stopped.
  const bool first_pass = done == 0 && (!limit_ || !in_pass_);
  if (first_pass) start();
  const std::optional<std::int64_t> limit = steps();
  std::int64_t step = done;
  while ((!limit || step < *limit) && !model_.stop_training) {
    Logs none;
    bool more = advance();
    if (!more && step == 0 && !first_pass) {
      // The last epoch took all there was, which only shows now.
      start();
      more = advance();
    }
    if (!more) {
      if (limit_ || step == 0) warn_of_end(step);
      break;
    }
    callbacks.call(&Callback::on_train_batch_begin, step, none);
    runner_.run(batch_);
    // steps_per_execution: callbacks see every so many batches only.
    std::int64_t made = 1;
    while (made < group_ && (!limit || step + made < *limit) && advance()) {
      runner_.run(batch_);
      ++made;
    }
    step += made;
    Logs logs = model_.metric_results();
    callbacks.call(&Callback::on_train_batch_end, step - 1, logs);
    if (after(step)) return false;
  }
  return true;
}

void Epochs::start() {
  feed_.start();
  in_pass_ = true;
}

/// The next batch; after the last one a new pass starts with the next epoch.
bool Epochs::advance() {
  const bool more = feed_.next(batch_);
  if (!more || feed_.done()) in_pass_ = false;
  return more;
}

void Epochs::warn_of_end(std::int64_t step) const {
  log_message(
      LogChannel::warning,
      format(
          "{} ran out of data after {} of {} steps of this epoch; give more "
          "data (a dataset may .repeat()) or fewer steps_per_epoch",
          model_.who(),
          step,
          limit_ ? format("{}", *limit_) : std::string("the")));
}

}  // namespace keratin
