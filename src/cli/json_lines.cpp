#include "src/cli/json_lines.hpp"

#include <chrono>
#include <cmath>
#include <iostream>

namespace keratin::cli {

namespace {

using Clock = std::chrono::steady_clock;

class JsonLines final : public Callback {
 public:
  void on_epoch_begin(std::int64_t epoch, Logs&) override {
    start(-1);
    Config line = head("epoch_begin", epoch);
    if (params().steps >= 0) line["steps"] = params().steps;
    print_json(line);
  }

  void on_train_batch_begin(std::int64_t batch, Logs&) override {
    // An epoch that goes on from a checkpoint does not begin again.
    if (begun_ == kNotBegun) start(batch);
    if (begun_ < 0) begun_ = batch;
  }

  void on_train_batch_end(std::int64_t batch, Logs& logs) override {
    done_ = batch + 1;
    if (Clock::now() - printed_ < std::chrono::seconds(1)) return;
    printed_ = Clock::now();
    Config line = head("step", epoch_);
    line["step"] = done_;
    const double seconds = elapsed();
    const double speed =
        seconds > 0 ? static_cast<double>(done_ - begun_) / seconds : 0;
    line["steps_per_second"] = speed;
    if (params().steps >= 0) {
      line["steps"] = params().steps;
      if (speed > 0) {
        line["seconds_left"] =
            static_cast<double>(params().steps - done_) / speed;
      }
    }
    finish(line, logs);
  }

  void on_epoch_end(std::int64_t epoch, Logs& logs) override {
    Config line = head("epoch_end", epoch);
    line["steps"] = done_;
    line["seconds"] = elapsed();
    finish(line, logs);
    begun_ = kNotBegun;
  }

  void save_state(CallbackState& state) const override {
    state.values["epoch"] = epoch_;
    state.values["done"] = done_;
  }

  void restore_state(const CallbackState& state) override {
    epoch_ = state.values.at("epoch").as_int();
    done_ = state.values.at("done").as_int();
  }

 private:
  static constexpr std::int64_t kNotBegun = -2;

  void start(std::int64_t batch) {
    begun_ = batch;
    started_ = Clock::now();
    printed_ = started_;
  }

  Config head(const char* event, std::int64_t epoch) {
    epoch_ = epoch;
    return Config::object(
        {{"event", event}, {"epoch", epoch + 1}, {"epochs", params().epochs}});
  }

  double elapsed() const {
    return std::chrono::duration<double>(Clock::now() - started_).count();
  }

  static void finish(Config& line, const Logs& logs) {
    Config values = Config::object();
    for (const auto& [name, value] : logs.entries()) values[name] = value;
    line["logs"] = std::move(values);
    print_json(line);
  }

  std::int64_t epoch_ = 0;
  std::int64_t done_ = 0;
  std::int64_t begun_ = kNotBegun;  // the first step seen; -1: comes next
  Clock::time_point started_ = Clock::now();
  Clock::time_point printed_ = started_;
};

/// JSON has no NaN and no infinity: they are null.
Config without_nan(const Config& config) {
  if (config.is_object()) {
    Config out = Config::object();
    for (const auto& [key, value] : config.as_object()) {
      out[key] = without_nan(value);
    }
    return out;
  }
  const bool finite = !config.is_number() || std::isfinite(config.as_number());
  return finite ? config : Config();
}

}  // namespace

void print_json(const Config& line) {
  std::cout << without_nan(line).dump() << std::endl;
}

std::shared_ptr<Callback> json_lines() {
  return std::make_shared<JsonLines>();
}

}  // namespace keratin::cli
