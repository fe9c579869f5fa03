// The loops: fit, evaluate, predict, and their one-batch forms.

#include <algorithm>
#include <cstring>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/train/callback_list.hpp"
#include "src/train/feed.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

namespace {

void require_compiled(const ModelImpl& model, const char* what) {
  if (model.compiled()) return;
  throw InvalidArgument(format(
      "{} {} needs a compiled model; call compile with an optimizer and a "
      "loss first",
      model.who(),
      what));
}

void require_positive(
    const std::string& who, const char* what, std::int64_t value) {
  if (value >= 1) return;
  throw InvalidArgument(
      format("{} expected {} >= 1, got {}", who, what, value));
}

/// Runs the training or test program on the batches of a feed, which outlives
/// it. `who` starts the messages.
class StepRunner {
 public:
  StepRunner(ModelImpl& model, Mode mode, const Feed& feed, std::string who)
      : model_(model), mode_(mode), feed_(feed), who_(std::move(who)) {
    const HostPart* const host = feed.data().host.get();
    if (host != nullptr && !host->ends_in_graph()) {
      throw InvalidArgument(format(
          "{} the outputs come from the host, which has no gradients; train a "
          "model that ends before",
          who_));
    }
  }

  void run(const FeedData& batch) {
    // Batches of a pass mostly have one shape: the last program fits.
    const std::int64_t rows = batch.rows();
    // What the host yields may have another length for every batch.
    if (!program_ || rows != rows_ || feed_.data().host) {
      program_ = step_program(model_, mode_, batch, feed_.is_partial(rows));
      rows_ = rows;
    }
    if (!checked_) {
      check_labels(model_, who_, feed_.data());
      checked_ = true;
    }
    for (const auto* tensors : {&batch.x, &batch.y, &batch.sample_weight}) {
      for (const Tensor& tensor : *tensors) {
        if (!absent(tensor)) inputs_.push_back(tensor);
      }
    }
    program_->run(inputs_, outputs_);
    // Dropped, so that the feed may write to its buffers without a copy.
    inputs_.clear();
  }

 private:
  ModelImpl& model_;
  Mode mode_;
  const Feed& feed_;
  std::string who_;
  std::shared_ptr<Program> program_;
  std::int64_t rows_ = -1;
  bool checked_ = false;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
};

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
  ValidationData out;
  out.x = cut(data.x);
  out.y = cut(data.y);
  out.sample_weight = cut(data.sample_weight);
  return out;
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

/// Refuses validation data that the model cannot take before it is trained.
void check_like_input(
    const ModelImpl& model, const std::string& who, const FeedData& data) {
  if (data.host) return;  // made on the data threads: known when it comes
  const auto specs = model.input_specs();
  for (std::size_t i = 0; i < specs.size() && i < data.x.size(); ++i) {
    const Shape& want = specs[i].shape;
    const Shape& got = data.x[i].shape();
    bool fits = want.rank() == got.rank();
    for (std::size_t axis = 0; fits && axis < want.rank(); ++axis) {
      fits = want[axis] == kUnknown || want[axis] == got[axis] || axis == 0;
    }
    if (fits) continue;
    throw InvalidArgument(format(
        "{} x[{}]: expected shape {}, got {}",
        who,
        i,
        want.keras_str(),
        got.keras_str()));
  }
}

/// One epoch of training.
class Epochs {
 public:
  Epochs(
      ModelImpl& model,
      FeedData data,
      const FitArguments& arguments,
      const std::string& who)
      : model_(model),
        feed_(std::move(data), arguments.batch_size, arguments.shuffle),
        runner_(model, Mode::train, feed_, who),
        limit_(arguments.steps_per_epoch),
        group_(model.compile_arguments().steps_per_execution) {}

  std::int64_t steps() const { return limit_.value_or(feed_.batches()); }

  void run(CallbackList& callbacks) {
    // With steps_per_epoch an epoch goes on where the last one stopped.
    if (!limit_ || !running_) feed_.start();
    running_ = true;
    std::int64_t step = 0;
    while (step < steps() && !model_.stop_training) {
      Logs none;
      if (!advance()) {
        log_message(
            LogChannel::warning,
            format(
                "{} ran out of data after {} of {} steps of this epoch; give "
                "more rows or fewer steps_per_epoch",
                model_.who(),
                step,
                steps()));
        break;
      }
      callbacks.call(&Callback::on_train_batch_begin, step, none);
      runner_.run(batch_);
      // steps_per_execution: callbacks see every so many batches only.
      std::int64_t done = 1;
      while (done < group_ && step + done < steps() && advance()) {
        runner_.run(batch_);
        ++done;
      }
      step += done;
      Logs logs = model_.metric_results();
      callbacks.call(&Callback::on_train_batch_end, step - 1, logs);
    }
  }

 private:
  /// The next batch; after the last one a new pass starts with the next epoch.
  bool advance() {
    const bool more = feed_.next(batch_);
    if (!more || feed_.done()) running_ = false;
    return more;
  }

  ModelImpl& model_;
  Feed feed_;
  StepRunner runner_;
  std::optional<std::int64_t> limit_;
  std::int64_t group_;
  bool running_ = false;  // in the middle of a pass over the data
  FeedData batch_;
};

/// The test loop, inside fit or alone.
Logs run_evaluation(
    ModelImpl& model,
    const std::string& who,
    const FeedData& data,
    std::int64_t batch_size,
    std::optional<std::int64_t> steps,
    CallbackList& callbacks) {
  model.reset_metrics();
  Feed feed(data, batch_size, false);
  feed.start();
  StepRunner runner(model, Mode::test, feed, who);
  Logs none;
  callbacks.call(&Callback::on_test_begin, none);
  FeedData batch;
  std::int64_t step = 0;
  while ((!steps || step < *steps) && feed.next(batch)) {
    callbacks.call(&Callback::on_test_batch_begin, step, none);
    runner.run(batch);
    Logs logs = model.metric_results();
    callbacks.call(&Callback::on_test_batch_end, step, logs);
    ++step;
  }
  Logs logs = model.metric_results();
  logs.entries();  // before anything resets the metrics
  callbacks.call(&Callback::on_test_end, logs);
  return logs;
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
  std::optional<FeedData> validation_data;
  if (validation) {
    validation_data = check_data(
        *this,
        who + " validation_data",
        validation->x,
        validation->y,
        validation->sample_weight);
    if (arguments.validation_data) {
      check_like_input(*this, who + " validation_data", *validation_data);
    }
  }

  Epochs epochs(*this, std::move(data), arguments, who);
  const int verbose = resolve_verbose(arguments.verbose);
  auto history = std::make_shared<HistoryCallback>();
  // Keras's order: what callbacks add to the logs is shown and kept.
  std::vector<std::shared_ptr<Callback>> list = arguments.callbacks;
  list.push_back(history);
  if (verbose != 0) list.push_back(make_progress_bar(verbose));
  CallbackList callbacks(
      std::move(list), *this, {arguments.epochs, epochs.steps(), verbose});

  stop_training = false;
  Logs logs;
  callbacks.call(&Callback::on_train_begin, logs);
  for (std::int64_t epoch = arguments.initial_epoch; epoch < arguments.epochs;
       ++epoch) {
    reset_metrics();
    Logs none;
    callbacks.call(&Callback::on_epoch_begin, epoch, none);
    epochs.run(callbacks);
    logs = metric_results();
    logs.entries();  // before validation resets the metrics
    if (validation_data && (epoch + 1) % arguments.validation_freq == 0) {
      const Logs val = run_evaluation(
          *this,
          who + " validation_data",
          *validation_data,
          arguments.validation_batch_size.value_or(arguments.batch_size),
          arguments.validation_steps,
          callbacks);
      for (const auto& [name, value] : val.entries()) {
        logs.set("val_" + name, value);
      }
    }
    callbacks.call(&Callback::on_epoch_end, epoch, logs);
    if (stop_training) break;
  }
  if (arguments.epochs > 0 && optimizer().impl().built()) {
    optimizer().impl().finalize_variable_values();
  }
  callbacks.call(&Callback::on_train_end, logs);
  return history->history;
}

Logs ModelImpl::evaluate(
    const TensorSet& x,
    const TensorSet& y,
    const EvaluateArguments& arguments) {
  require_compiled(*this, "evaluate");
  const std::string who = this->who() + " evaluate";
  require_positive(who, "batch_size", arguments.batch_size);
  if (arguments.steps) require_positive(who, "steps", *arguments.steps);
  build_model(*this, x.tensors());
  const FeedData data = check_data(*this, who, x, y, arguments.sample_weight);
  const int verbose = resolve_verbose(arguments.verbose);
  std::vector<std::shared_ptr<Callback>> list = arguments.callbacks;
  if (verbose != 0) list.insert(list.begin(), make_progress_bar(verbose));
  const std::int64_t batches = (data.rows() - 1) / arguments.batch_size + 1;
  CallbackList callbacks(
      std::move(list), *this, {1, arguments.steps.value_or(batches), verbose});
  return run_evaluation(
      *this, who, data, arguments.batch_size, arguments.steps, callbacks);
}

namespace {

/// The outputs of batches, which may be strings, one after the other.
std::vector<Tensor> join_batches(
    const std::string& who, const std::vector<std::vector<Tensor>>& parts) {
  std::vector<Tensor> all;
  for (std::size_t i = 0; !parts.empty() && i < parts[0].size(); ++i) {
    std::vector<Tensor> rows;
    for (const std::vector<Tensor>& part : parts) {
      const Shape& first = parts[0][i].shape();
      Shape shape = part[i].shape();
      if (!shape.empty() && !first.empty()) shape[0] = first[0];
      if (shape != first || (first.empty() && parts.size() > 1)) {
        throw InvalidArgument(format(
            "{} got outputs of shapes {} and {}, which cannot be joined over "
            "batches; give TextVectorization an output_sequence_length, or "
            "predict in one batch",
            who,
            first,
            part[i].shape()));
      }
      rows.push_back(part[i]);
    }
    all.push_back(rows.size() == 1 ? rows[0] : concatenate(rows));
  }
  return all;
}

}  // namespace

std::vector<Tensor> ModelImpl::predict(
    const TensorSet& x, const PredictArguments& arguments) {
  const std::string who = this->who() + " predict";
  require_positive(who, "batch_size", arguments.batch_size);
  if (arguments.steps) require_positive(who, "steps", *arguments.steps);
  build_model(*this, x.tensors());
  const FeedData data = check_data(*this, who, x, {}, {});
  std::vector<std::shared_ptr<Callback>> list = arguments.callbacks;
  if (arguments.verbose != 0) {
    list.insert(list.begin(), make_progress_bar(arguments.verbose));
  }
  Feed feed(data, arguments.batch_size, false);
  CallbackList callbacks(
      std::move(list),
      *this,
      {1, arguments.steps.value_or(feed.batches()), arguments.verbose});
  Logs none;
  callbacks.call(&Callback::on_predict_begin, none);
  feed.start();
  FeedData batch;
  std::vector<Tensor> results;             // of a batch
  std::vector<Tensor> gathered;            // of all
  std::vector<std::vector<Tensor>> parts;  // of batches with a host part
  std::int64_t row = 0;
  std::int64_t total = data.rows();
  if (arguments.steps) {
    total = *arguments.steps > total / arguments.batch_size
                ? total
                : *arguments.steps * arguments.batch_size;
  }
  std::int64_t step = 0;
  while (row < total && feed.next(batch)) {
    callbacks.call(&Callback::on_predict_batch_begin, step, none);
    if (!data.host || !data.host->graph_free()) {
      const auto program = step_program(
          *this, Mode::predict, batch, feed.is_partial(batch.rows()));
      program->run(batch.x, results);
    }
    if (data.host) {
      parts.push_back(data.host->after(batch.host_values, std::move(results)));
      results.clear();
    } else if (batch.rows() == total) {
      gathered = std::exchange(results, {});
    } else {
      for (std::size_t i = 0; i < results.size(); ++i) {
        {
          const Tensor& result = results[i];
          Shape shape = result.shape();
          const bool joins =
              !shape.empty() && shape[0] == batch.rows() &&
              (i >= gathered.size() ||
               result.size() * total == gathered[i].size() * batch.rows());
          if (!joins) {
            throw InvalidArgument(format(
                "{} got an output of shape {} for {} rows, which cannot be "
                "joined over batches; predict in one batch",
                who,
                shape,
                batch.rows()));
          }
          if (i >= gathered.size()) {
            shape[0] = total;
            gathered.push_back(Tensor::uninitialized(result.dtype(), shape));
          }
        }
        const std::size_t row_bytes =
            gathered[i].size_bytes() / static_cast<std::size_t>(total);
        auto* to = static_cast<std::byte*>(gathered[i].mutable_raw());
        std::memcpy(
            to + static_cast<std::size_t>(row) * row_bytes,
            results[i].raw(),
            results[i].size_bytes());
      }
    }
    row += batch.rows();
    callbacks.call(&Callback::on_predict_batch_end, step, none);
    ++step;
  }
  callbacks.call(&Callback::on_predict_end, none);
  return data.host ? join_batches(who, parts) : gathered;
}

namespace {

/// One step; the running metrics as they are after it, whatever runs next.
Logs run_on_batch(
    ModelImpl& model,
    Mode mode,
    const char* what,
    const TensorSet& x,
    const TensorSet& y,
    const TensorSet& sample_weight,
    const std::map<std::int64_t, double>& class_weight) {
  require_compiled(model, what);
  const std::string who = model.who() + " " + what;
  build_model(model, x.tensors());
  const FeedData data =
      check_data(model, who, x, y, sample_weight, class_weight);
  const Feed feed(data, data.rows(), false);
  StepRunner(model, mode, feed, who).run(as_batch(data));
  Logs logs = model.metric_results();
  logs.entries();
  return logs;
}

}  // namespace

Logs ModelImpl::train_on_batch(
    const TensorSet& x,
    const TensorSet& y,
    const TensorSet& sample_weight,
    const std::map<std::int64_t, double>& class_weight) {
  return run_on_batch(
      *this, Mode::train, "train_on_batch", x, y, sample_weight, class_weight);
}

Logs ModelImpl::test_on_batch(
    const TensorSet& x, const TensorSet& y, const TensorSet& sample_weight) {
  return run_on_batch(
      *this, Mode::test, "test_on_batch", x, y, sample_weight, {});
}

std::vector<Tensor> ModelImpl::predict_on_batch(const TensorSet& x) {
  const std::string who = this->who() + " predict_on_batch";
  build_model(*this, x.tensors());
  const FeedData data = as_batch(check_data(*this, who, x, {}, {}));
  std::vector<Tensor> results;
  if (!data.host || !data.host->graph_free()) {
    results = step_program(*this, Mode::predict, data, false)->run(data.x);
  }
  if (!data.host) return results;
  return data.host->after(data.host_values, std::move(results));
}

}  // namespace keratin
