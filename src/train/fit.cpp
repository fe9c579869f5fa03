// The training loop.

#include <algorithm>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/train/loops.hpp"

namespace keratin {

ValidationData::ValidationData(const data::Dataset& batches)
    : dataset(std::make_shared<const data::Dataset>(batches)) {}

namespace {

/// Keras's validation_split: the last rows, before any shuffling.
ValidationData split_off(const std::string& who, double share, FeedData& data) {
  const std::int64_t rows = data.rows();
  const auto keep =
      static_cast<std::int64_t>(static_cast<double>(rows) * (1.0 - share));
  if (keep <= 0 || keep >= rows) {
    throw InvalidArgument(format(
        "{} validation_split={} leaves {} of {} rows for training; use a "
        "share that leaves rows on both sides",
        who,
        share,
        std::max<std::int64_t>(keep, 0),
        rows));
  }
  const auto cut = [&](std::vector<Tensor>& tensors) {
    std::vector<Tensor> rest;
    for (Tensor& tensor : tensors) {
      if (absent(tensor)) {
        rest.push_back(tensor);
        continue;
      }
      rest.push_back(tensor.slice(keep, rows));
      tensor = tensor.slice(0, keep);
    }
    return rest;
  };
  TensorSet x = cut(data.x);
  TensorSet y = cut(data.y);
  return {std::move(x), std::move(y), cut(data.sample_weight)};
}

void check_fit(const std::string& who, const FitArguments& arguments) {
  require_positive(who, "batch_size", arguments.batch_size);
  require_positive(who, "validation_freq", arguments.validation_freq);
  if (arguments.epochs < 0 || arguments.initial_epoch < 0) {
    throw InvalidArgument(format(
        "{} expected epochs and initial_epoch >= 0, got {} and {}",
        who,
        arguments.epochs,
        arguments.initial_epoch));
  }
  if (arguments.steps_per_epoch) {
    require_positive(who, "steps_per_epoch", *arguments.steps_per_epoch);
  }
  if (arguments.validation_steps) {
    require_positive(who, "validation_steps", *arguments.validation_steps);
  }
  if (arguments.validation_batch_size) {
    require_positive(
        who, "validation_batch_size", *arguments.validation_batch_size);
  }
  if (!(arguments.validation_split >= 0 && arguments.validation_split < 1)) {
    throw InvalidArgument(format(
        "{} expected validation_split in [0, 1), got {}",
        who,
        arguments.validation_split));
  }
}

/// What a dataset's elements hold themselves, and what takes arrays alone.
void check_fit_of_dataset(
    const std::string& who,
    const data::Dataset& x,
    const FitArguments& arguments) {
  if (!arguments.sample_weight.empty()) {
    throw InvalidArgument(format(
        "{} got sample_weight beside a dataset; make the weights the third "
        "part of its elements",
        who));
  }
  if (arguments.validation_split > 0) {
    throw InvalidArgument(format(
        "{} validation_split takes arrays, got a dataset; split it by .take(n) "
        "and .skip(n) and give validation_data",
        who));
  }
  require_steps(who, x, arguments.steps_per_epoch, "steps_per_epoch");
}

/// The epochs of training.
class Epochs {
 public:
  Epochs(
      ModelImpl& model,
      Feed& feed,
      const FitArguments& arguments,
      const std::string& who)
      : model_(model),
        feed_(feed),
        runner_(model, Mode::train, feed_, who),
        limit_(arguments.steps_per_epoch),
        group_(model.compile_arguments().steps_per_execution) {}

  StepRunner& runner() { return runner_; }

  /// Steps of an epoch; none when that is not known.
  std::optional<std::int64_t> steps() const {
    return limit_ ? limit_ : feed_.batches();
  }

  void run(CallbackList& callbacks) {
    // With steps_per_epoch an epoch goes on where the last one stopped.
    const bool first_pass = !limit_ || !running_;
    if (first_pass) start();
    const std::optional<std::int64_t> limit = steps();
    std::int64_t step = 0;
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
      std::int64_t done = 1;
      while (done < group_ && (!limit || step + done < *limit) && advance()) {
        runner_.run(batch_);
        ++done;
      }
      step += done;
      Logs logs = model_.metric_results();
      callbacks.call(&Callback::on_train_batch_end, step - 1, logs);
    }
  }

 private:
  void start() {
    feed_.start();
    running_ = true;
  }

  /// The next batch; after the last one a new pass starts with the next epoch.
  bool advance() {
    const bool more = feed_.next(batch_);
    if (!more || feed_.done()) running_ = false;
    return more;
  }

  void warn_of_end(std::int64_t step) const {
    log_message(
        LogChannel::warning,
        format(
            "{} ran out of data after {} of {} steps of this epoch; give more "
            "data (a dataset may .repeat()) or fewer steps_per_epoch",
            model_.who(),
            step,
            limit_ ? format("{}", *limit_) : std::string("the")));
  }

  ModelImpl& model_;
  Feed& feed_;
  StepRunner runner_;
  std::optional<std::int64_t> limit_;
  std::int64_t group_;
  bool running_ = false;  // in the middle of a pass over the data
  FeedData batch_;
};

/// The validation data of a run, or null.
std::unique_ptr<Feed> validation_feed(
    ModelImpl& model,
    const std::string& who,
    const std::optional<ValidationData>& validation,
    const FitArguments& arguments) {
  if (!validation) return nullptr;
  if (validation->dataset) {
    require_steps(
        who,
        *validation->dataset,
        arguments.validation_steps,
        "validation_steps");
    auto feed = std::make_unique<DatasetFeed>(
        model, who, *validation->dataset, DatasetFeed::Options{});
    check_like_input(model, who, feed->first());
    return feed;
  }
  FeedData data = check_data(
      model, who, validation->x, validation->y, validation->sample_weight);
  check_like_input(model, who, data);
  return std::make_unique<ArrayFeed>(
      std::move(data),
      arguments.validation_batch_size.value_or(arguments.batch_size),
      false);
}

/// Trains on a feed whose data are checked.
History run_fit(
    ModelImpl& model,
    const std::string& who,
    Feed& feed,
    const std::optional<ValidationData>& validation,
    const FitArguments& arguments) {
  // By the name that the caller gave.
  const std::string validation_who =
      who +
      (arguments.validation_data ? " validation_data" : " validation_split");
  const std::unique_ptr<Feed> validation_batches =
      validation_feed(model, validation_who, validation, arguments);
  Epochs epochs(model, feed, arguments, who);
  if (validation_batches && validation_batches->all() != nullptr) {
    // Not after an epoch of training.
    epochs.runner().check_also(validation_who, *validation_batches->all());
  }
  const int verbose = resolve_verbose(arguments.verbose);
  auto history = std::make_shared<HistoryCallback>();
  // Keras's order: what callbacks add to the logs is shown and kept.
  std::vector<std::shared_ptr<Callback>> list = arguments.callbacks;
  list.push_back(history);
  if (verbose != 0) list.push_back(make_progress_bar(verbose));
  CallbackList callbacks(
      std::move(list),
      model,
      {arguments.epochs, epochs.steps().value_or(-1), verbose});

  model.stop_training = false;
  Logs logs;
  callbacks.call(&Callback::on_train_begin, logs);
  for (std::int64_t epoch = arguments.initial_epoch; epoch < arguments.epochs;
       ++epoch) {
    model.reset_metrics();
    Logs none;
    callbacks.call(&Callback::on_epoch_begin, epoch, none);
    epochs.run(callbacks);
    logs = model.metric_results();
    logs.entries();  // before validation resets the metrics
    if (validation_batches && (epoch + 1) % arguments.validation_freq == 0) {
      const Logs val = run_evaluation(
          model,
          validation_who,
          *validation_batches,
          arguments.validation_steps,
          callbacks);
      for (const auto& [name, value] : val.entries()) {
        logs.set("val_" + name, value);
      }
    }
    callbacks.call(&Callback::on_epoch_end, epoch, logs);
    if (model.stop_training) break;
  }
  if (arguments.epochs > 0 && model.optimizer().impl().built()) {
    model.optimizer().impl().finalize_variable_values();
  }
  callbacks.call(&Callback::on_train_end, logs);
  return history->history;
}

}  // namespace

History ModelImpl::fit(
    const TensorSet& x, const TensorSet& y, const FitArguments& arguments) {
  require_compiled(*this, "fit");
  const std::string who = this->who() + " fit";
  check_fit(who, arguments);
  build_model(*this, x.tensors());
  FeedData data = check_data(
      *this, who, x, y, arguments.sample_weight, arguments.class_weight);
  std::optional<ValidationData> validation = arguments.validation_data;
  if (!validation && arguments.validation_split > 0) {
    validation = split_off(who, arguments.validation_split, data);
    // As in Keras, weights of classes are for training alone.
    if (!arguments.class_weight.empty()) validation->sample_weight = {};
  }
  ArrayFeed feed(std::move(data), arguments.batch_size, arguments.shuffle);
  return run_fit(*this, who, feed, validation, arguments);
}

History ModelImpl::fit(const data::Dataset& x, const FitArguments& arguments) {
  require_compiled(*this, "fit");
  const std::string who = this->who() + " fit";
  check_fit(who, arguments);
  check_fit_of_dataset(who, x, arguments);
  DatasetFeed feed(
      *this,
      who,
      x,
      {.class_weight = arguments.class_weight,
       .first_epoch = arguments.initial_epoch});
  feed.first();
  return run_fit(*this, who, feed, arguments.validation_data, arguments);
}

}  // namespace keratin
