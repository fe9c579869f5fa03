#include <algorithm>
#include <cstdio>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/train/callbacks/monitor.hpp"

namespace keratin {

namespace {

class ReduceLROnPlateauCallback final : public Callback {
 public:
  explicit ReduceLROnPlateauCallback(
      callbacks::ReduceLROnPlateauOptions options)
      : options_(std::move(options)),
        monitor_(
            "ReduceLROnPlateau",
            options_.monitor,
            options_.mode,
            options_.min_delta) {
    if (!(options_.factor < 1.0)) {
      throw InvalidArgument(format(
          "[ReduceLROnPlateau] expected factor < 1, got {}", options_.factor));
    }
  }

  void on_train_begin(Logs&) override {
    best_.reset();
    cooldown_ = 0;
    wait_ = 0;
  }

  void on_epoch_end(std::int64_t epoch, Logs& logs) override {
    logs.set("learning_rate", model().optimizer().learning_rate());
    const std::optional<double> current = monitor_.value(logs);
    if (!current) return;
    if (cooldown_ > 0) {
      --cooldown_;
      wait_ = 0;
    }
    if (monitor_.improves(model(), *current, best_)) {
      best_ = current;
      wait_ = 0;
    } else if (cooldown_ == 0 && ++wait_ >= options_.patience) {
      reduce(epoch);
    }
  }

  void save_state(CallbackState& state) const override {
    state.values["wait"] = wait_;
    state.values["cooldown"] = cooldown_;
    if (best_) state.values["best"] = *best_;
  }

  void restore_state(const CallbackState& state) override {
    wait_ = state.values.at("wait").as_int();
    cooldown_ = state.values.at("cooldown").as_int();
    best_.reset();
    if (const Config* best = state.values.find("best")) {
      best_ = best->as_number();
    }
  }

 private:
  void reduce(std::int64_t epoch) {
    const double old_rate = model().optimizer().learning_rate();
    // Keras compares in float32.
    if (!(old_rate >
          static_cast<double>(static_cast<float>(options_.min_lr)))) {
      return;
    }
    const double rate = std::max(old_rate * options_.factor, options_.min_lr);
    model().optimizer().set_learning_rate(rate);
    if (options_.verbose > 0) {
      std::printf(
          "\nEpoch %lld: ReduceLROnPlateau reducing learning rate to %g.\n",
          static_cast<long long>(epoch) + 1,
          rate);
    }
    cooldown_ = options_.cooldown;
    wait_ = 0;
  }

  callbacks::ReduceLROnPlateauOptions options_;
  Monitor monitor_;
  std::optional<double> best_;
  std::int64_t cooldown_ = 0;
  std::int64_t wait_ = 0;
};

class LearningRateSchedulerCallback final : public Callback {
 public:
  LearningRateSchedulerCallback(
      std::function<double(std::int64_t, double)> schedule, int verbose)
      : schedule_(std::move(schedule)), verbose_(verbose) {
    if (!schedule_) {
      throw InvalidArgument("[LearningRateScheduler] expected a function");
    }
  }

  void on_epoch_begin(std::int64_t epoch, Logs&) override {
    Optimizer& optimizer = model().optimizer();
    const double rate = schedule_(epoch, optimizer.learning_rate());
    optimizer.set_learning_rate(rate);
    if (verbose_ > 0) {
      std::printf(
          "\nEpoch %lld: LearningRateScheduler setting learning rate to %g.\n",
          static_cast<long long>(epoch) + 1,
          rate);
    }
  }

  void on_epoch_end(std::int64_t, Logs& logs) override {
    logs.set("learning_rate", model().optimizer().learning_rate());
  }

 private:
  std::function<double(std::int64_t, double)> schedule_;
  int verbose_;
};

}  // namespace

std::shared_ptr<Callback> callbacks::ReduceLROnPlateau(
    ReduceLROnPlateauOptions options) {
  return std::make_shared<ReduceLROnPlateauCallback>(std::move(options));
}

std::shared_ptr<Callback> callbacks::LearningRateScheduler(
    std::function<double(std::int64_t, double)> schedule, int verbose) {
  return std::make_shared<LearningRateSchedulerCallback>(
      std::move(schedule), verbose);
}

}  // namespace keratin
