// The training loop, and what a checkpoint of it holds.

#include "src/train/fit_run.hpp"

#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/core/random_state.hpp"
#include "src/train/checkpoint/model_state.hpp"

namespace keratin {

FitRun::FitRun(Setup setup)
    : setup_(std::move(setup)),
      model_(setup_.model),
      epochs_(
          model_, setup_.feed, setup_.arguments.steps_per_epoch, setup_.who),
      history_(std::make_shared<HistoryCallback>()) {
  const Feed* validation = setup_.validation;
  if (validation != nullptr && validation->all() != nullptr) {
    // Not after an epoch of training.
    epochs_.runner().check_also(setup_.validation_who, *validation->all());
  }
  const FitArguments& arguments = setup_.arguments;
  for (const auto& callback : arguments.callbacks) {
    auto keeper = std::dynamic_pointer_cast<BackupAndRestoreCallback>(callback);
    if (!keeper) continue;
    if (keeper_) {
      throw InvalidArgument(format(
          "{} expected one BackupAndRestore at most, got two: {} and {}",
          setup_.who,
          keeper_->folder(),
          keeper->folder()));
    }
    keeper_ = std::move(keeper);
  }
  at_.epoch = arguments.initial_epoch;
}

bool FitRun::goes_on() const {
  // What was stopped in the middle of an epoch has that epoch's end to come.
  if (at_.stopping && !at_.in_epoch) return false;
  return at_.in_epoch || at_.epoch < setup_.arguments.epochs;
}

History FitRun::run() {
  const FitArguments& arguments = setup_.arguments;
  const std::optional<Checkpoint> from =
      keeper_ ? keeper_->load() : std::nullopt;
  const int verbose = resolve_verbose(arguments.verbose);
  // Keras's order: what callbacks add to the logs is shown and kept.
  std::vector<std::shared_ptr<Callback>> list = arguments.callbacks;
  list.push_back(history_);
  bar_ = find_progress_bar(list);
  if (!bar_ && verbose != 0) {
    bar_ = make_progress_bar(verbose);
    list.push_back(bar_);
  }
  callbacks_ = std::make_unique<CallbackList>(
      std::move(list),
      model_,
      Callback::Params{
          arguments.epochs,
          epochs_.steps().value_or(-1),
          verbose,
          from.has_value()});

  model_.stop_training = false;
  Logs none;
  callbacks_->call(&Callback::on_train_begin, none);
  if (from) restore(*from);
  bool interrupted = false;
  while (!interrupted && goes_on()) {
    at_.finished = false;
    interrupted = !run_epoch();
  }
  finish(interrupted);
  return history_->history;
}

/// False: ended by the one who asked for a stop.
bool FitRun::run_epoch() {
  Logs none;
  if (!at_.in_epoch) {
    model_.reset_metrics();
    callbacks_->call(&Callback::on_epoch_begin, at_.epoch, none);
    at_.in_epoch = true;
    at_.step = 0;
  } else if (bar_) {
    bar_->on_epoch_begin(at_.epoch, none);
  }
  const std::int64_t done = at_.step;
  if (!epochs_.run(*callbacks_, done, [this](std::int64_t step) {
        return after_step(step);
      })) {
    return false;
  }
  Logs logs = model_.metric_results();
  logs.entries();  // before validation resets the metrics
  if (setup_.validation != nullptr &&
      (at_.epoch + 1) % setup_.arguments.validation_freq == 0) {
    const Logs val = run_evaluation(
        model_,
        setup_.validation_who,
        *setup_.validation,
        setup_.arguments.validation_steps,
        *callbacks_);
    for (const auto& [name, value] : val.entries()) {
      logs.set("val_" + name, value);
    }
  }
  callbacks_->call(&Callback::on_epoch_end, at_.epoch, logs);
  ++at_.epoch;
  at_.step = 0;
  at_.in_epoch = false;
  at_.stopping = model_.stop_training;
  at_.logs = std::move(logs);
  if (!keeper_) return true;
  const bool stop = keeper_->stop_is_asked();
  if (keeper_->take_due() || stop) keeper_->save(capture());
  return !stop;
}

/// Whether to end here.
bool FitRun::after_step(std::int64_t step) {
  at_.step = step;
  if (!keeper_) return false;
  const bool stop = keeper_->stop_is_asked();
  if (keeper_->take_due() || stop) {
    at_.stopping = model_.stop_training;
    keeper_->save(capture());
  }
  return stop;
}

void FitRun::finish(bool interrupted) {
  const bool was_finished = at_.finished;
  if (!was_finished && setup_.arguments.epochs > 0 &&
      model_.optimizer().impl().built()) {
    model_.optimizer().impl().finalize_variable_values();
  }
  callbacks_->call(&Callback::on_train_end, at_.logs);
  if (!keeper_) return;
  if (!interrupted && keeper_->options().delete_checkpoint) {
    keeper_->wait();
    try {
      callbacks::remove_checkpoints(keeper_->folder());
    } catch (const SystemError& error) {
      log_message(LogChannel::warning, error.what());
    }
    return;
  }
  if (!interrupted && !was_finished && !keeper_->options().save_freq.never()) {
    at_.finished = true;
    keeper_->save(capture());
  }
  keeper_->wait();
}

// -- checkpoints --------------------------------------------------------------

Checkpoint FitRun::capture() {
  Checkpoint out;
  Config logs = Config::array();
  for (const auto& [name, value] : at_.logs.entries()) {
    logs.push_back(Config::array({name, value}));
  }
  const RandomState random = random_state();
  out.values = Config::object({
      {"epoch", at_.epoch},
      {"step", at_.step},
      {"in_epoch", at_.in_epoch},
      {"in_pass", epochs_.in_pass()},
      {"finished", at_.finished},
      {"stopping", at_.stopping},
      {"logs", std::move(logs)},
      {"random",
       Config::object(
           {{"seeded", random.seeded},
            {"seed", to_text(random.seed)},
            {"drawn", to_text(random.drawn)}})},
      {"data", setup_.feed.state(epochs_.in_pass())},
      {"validation_data",
       setup_.validation != nullptr ? setup_.validation->state(false)
                                    : Config()},
  });
  save_model_state(model_, out);
  callbacks_->save(out);
  return out;
}

void FitRun::restore(const Checkpoint& from) {
  try {
    restore_from(from);
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format(
        "{} the checkpoint {}; give fit what the run had, or remove the folder "
        "to begin anew",
        keeper_->who(),
        error.what()));
  }
}

void FitRun::restore_from(const Checkpoint& from) {
  const Config& values = from.values;
  Position at;
  at.epoch = values.at("epoch").as_int();
  at.step = values.at("step").as_int();
  at.in_epoch = values.at("in_epoch").as_bool();
  at.finished = values.at("finished").as_bool();
  at.stopping = values.at("stopping").as_bool();
  for (const Config& entry : values.at("logs").as_array()) {
    at.logs.set(
        entry.as_array().at(0).as_string(), entry.as_array().at(1).as_number());
  }
  const Config& validation = values.at("validation_data");
  if (validation.is_null() != (setup_.validation == nullptr)) {
    throw InvalidArgument(format(
        "is of a run with{} validation data, this one has {}",
        validation.is_null() ? "out" : "",
        validation.is_null() ? "some" : "none"));
  }
  // The step's program makes the optimizer's variables and the metrics.
  restore_choices(model_, from);
  epochs_.runner().prepare(setup_.feed.sample());
  restore_model_state(model_, from);
  setup_.feed.restore(values.at("data"));
  if (setup_.validation != nullptr) setup_.validation->restore(validation);
  epochs_.set_in_pass(values.at("in_pass").as_bool());
  callbacks_->restore(from);
  const Config& random = values.at("random");
  set_random_state(
      {random.at("seeded").as_bool(),
       unsigned_at(random, "seed"),
       unsigned_at(random, "drawn")});
  model_.stop_training = at.stopping;
  at_ = std::move(at);
  KERATIN_LOG(
      train,
      "{} goes on in epoch {} after {} steps",
      keeper_->who(),
      at_.epoch + 1,
      at_.step);
}

}  // namespace keratin
