#include <cstdio>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/train/callbacks/monitor.hpp"

namespace keratin {

namespace {

class EarlyStoppingCallback final : public Callback {
 public:
  explicit EarlyStoppingCallback(callbacks::EarlyStoppingOptions options)
      : options_(std::move(options)),
        monitor_(
            "EarlyStopping",
            options_.monitor,
            options_.mode,
            options_.min_delta) {
    if (options_.patience < 0) {
      throw InvalidArgument(format(
          "[EarlyStopping] expected patience >= 0, got {}", options_.patience));
    }
  }

  void on_train_begin(Logs&) override {
    wait_ = 0;
    stopped_epoch_ = 0;
    best_.reset();
    best_weights_.clear();
    best_epoch_ = 0;
  }

  void on_epoch_end(std::int64_t epoch, Logs& logs) override {
    const std::optional<double> current = monitor_.value(logs);
    if (!current || epoch < options_.start_from_epoch) return;
    if (options_.restore_best_weights && best_weights_.empty()) {
      keep_weights(epoch);
    }
    ++wait_;
    if (monitor_.improves(model(), *current, best_)) {
      best_ = current;
      best_epoch_ = epoch;
      if (options_.restore_best_weights) keep_weights(epoch);
      if (!options_.baseline ||
          monitor_.improves(model(), *current, options_.baseline)) {
        wait_ = 0;
      }
      return;
    }
    if (wait_ >= options_.patience && epoch > 0) {
      stopped_epoch_ = epoch;
      model().stop_training = true;
    }
  }

  void on_train_end(Logs&) override {
    const bool verbose = options_.verbose > 0;
    if (stopped_epoch_ > 0 && verbose) {
      std::printf(
          "Epoch %lld: early stopping\n",
          static_cast<long long>(stopped_epoch_) + 1);
    }
    if (best_weights_.empty()) return;
    if (verbose) {
      std::printf(
          "Restoring model weights from the end of the best epoch: %lld.\n",
          static_cast<long long>(best_epoch_) + 1);
    }
    std::vector<Variable> weights = model().weights();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i].assign(best_weights_[i]);
    }
  }

  void save_state(CallbackState& state) const override {
    state.values["wait"] = wait_;
    state.values["stopped_epoch"] = stopped_epoch_;
    state.values["best_epoch"] = best_epoch_;
    if (best_) state.values["best"] = *best_;
    for (std::size_t i = 0; i < best_weights_.size(); ++i) {
      state.arrays[format("best_weights/{}", i)] = best_weights_[i];
    }
  }

  void restore_state(const CallbackState& state) override {
    wait_ = state.values.at("wait").as_int();
    stopped_epoch_ = state.values.at("stopped_epoch").as_int();
    best_epoch_ = state.values.at("best_epoch").as_int();
    best_.reset();
    if (const Config* best = state.values.find("best")) {
      best_ = best->as_number();
    }
    best_weights_.clear();
    const std::vector<Variable> weights = model().weights();
    for (std::size_t i = 0; i < state.arrays.size(); ++i) {
      const auto found = state.arrays.find(format("best_weights/{}", i));
      if (found == state.arrays.end() || i >= weights.size() ||
          found->second.shape() != weights[i].shape()) {
        throw InvalidArgument(
            "[EarlyStopping] the best weights are of another model");
      }
      best_weights_.push_back(found->second);
    }
  }

 private:
  void keep_weights(std::int64_t epoch) {
    best_epoch_ = epoch;
    best_weights_.clear();
    for (const Variable& variable : model().weights()) {
      best_weights_.push_back(variable.value());
    }
  }

  callbacks::EarlyStoppingOptions options_;
  Monitor monitor_;
  std::int64_t wait_ = 0;
  std::int64_t stopped_epoch_ = 0;
  std::int64_t best_epoch_ = 0;
  std::optional<double> best_;
  std::vector<Tensor> best_weights_;
};

}  // namespace

std::shared_ptr<Callback> callbacks::EarlyStopping(
    EarlyStoppingOptions options) {
  return std::make_shared<EarlyStoppingCallback>(std::move(options));
}

}  // namespace keratin
