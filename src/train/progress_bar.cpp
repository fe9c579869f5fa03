// Keras's progress bar: a line that is redrawn a few times a second. Looking at
// the logs waits for the device, so they are looked at only when it is drawn.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string>

#include "src/core/format.hpp"
#include "src/train/callback_list.hpp"

namespace keratin {

namespace {

using Clock = std::chrono::steady_clock;

/// As Keras prints values: four decimals, or scientific when tiny.
std::string value_text(double value) {
  if (!std::isfinite(value)) return format("{}", value);
  if (std::abs(value) > 1e-3 || value == 0) return format("{:.4f}", value);
  return format("{:.4e}", value);
}

std::string duration_text(double seconds) {
  if (seconds >= 3600) {
    const auto whole = static_cast<std::int64_t>(seconds);
    return format(
        "{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60);
  }
  if (seconds >= 60) {
    const auto whole = static_cast<std::int64_t>(seconds);
    return format("{}:{:02}", whole / 60, whole % 60);
  }
  return format("{:.0f}s", seconds);
}

std::string per_step_text(double seconds) {
  if (seconds >= 1 || seconds == 0) return format("{:.0f}s/step", seconds);
  if (seconds >= 1e-3) return format("{:.0f}ms/step", seconds * 1e3);
  return format("{:.0f}us/step", seconds * 1e6);
}

class ProgressBar final : public Callback {
 public:
  /// Without `verbose` it is what fit, evaluate or predict is told.
  explicit ProgressBar(std::optional<int> verbose) : verbose_(verbose) {}

  void on_train_begin(Logs&) override { in_fit_ = true; }

  void on_train_end(Logs&) override {
    in_fit_ = false;
    // An epoch that was left in its middle has no last line.
    if (!line_is_open_) return;
    std::printf("\n");
    line_is_open_ = false;
  }

  void on_epoch_begin(std::int64_t epoch, Logs&) override {
    settle();
    if (silent_) return;
    if (live_ || params().epochs > 1) {
      std::printf(
          "Epoch %lld/%lld%s",
          static_cast<long long>(epoch) + 1,
          static_cast<long long>(params().epochs),
          live_ ? "\n" : ": ");
      line_is_open_ = !live_;
    }
    begin();
  }

  void on_train_batch_end(std::int64_t batch, Logs& logs) override {
    advance(batch, logs);
  }

  void on_epoch_end(std::int64_t, Logs& logs) override { finish(logs); }

  void on_test_begin(Logs&) override {
    if (!in_fit_) begin();
  }

  void on_test_batch_end(std::int64_t batch, Logs& logs) override {
    if (!in_fit_) advance(batch, logs);
  }

  void on_test_end(Logs& logs) override {
    if (!in_fit_) finish(logs);
  }

  void on_predict_begin(Logs&) override { begin(); }

  void on_predict_batch_end(std::int64_t batch, Logs&) override {
    Logs none;
    advance(batch, none);
  }

  void on_predict_end(Logs&) override {
    Logs none;
    finish(none);
  }

 private:
  static constexpr std::int64_t kWidth = 20;
  static constexpr auto kInterval = std::chrono::milliseconds(200);

  void settle() {
    const int verbose = verbose_.value_or(params().verbose);
    live_ = verbose == 1;
    silent_ = verbose == 0;
  }

  void begin() {
    settle();
    start_ = Clock::now();
    drawn_ = start_ - 2 * kInterval;
    done_ = 0;
    begun_ = -1;
  }

  double elapsed() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

  void advance(std::int64_t batch, Logs& logs) {
    done_ = batch + 1;
    // An epoch that goes on from a checkpoint does not begin with step 0.
    if (begun_ < 0) begun_ = batch;
    if (!live_ || Clock::now() - drawn_ < kInterval) return;
    draw(logs, false);
    drawn_ = Clock::now();
  }

  void finish(Logs& logs) {
    if (silent_) return;
    draw(logs, true);
    std::printf("\n");
    line_is_open_ = false;
    std::fflush(stdout);
  }

  void draw(const Logs& logs, bool last) {
    // Unknown until a pass is over; then it is what that pass had.
    if (last && params().steps < 0) seen_ = done_;
    const std::int64_t steps = params().steps < 0 ? seen_ : params().steps;
    std::string line;
    if (live_ && steps < 0) {
      line += format("\r\033[K{}/Unknown ", done_);
    } else if (live_) {
      const std::int64_t filled =
          last || steps == 0 ? kWidth
                             : std::min(done_ * kWidth / steps, kWidth);
      std::string bar;
      for (std::int64_t i = 0; i < kWidth; ++i) {
        bar += i < filled ? "\u2501" : " ";
      }
      // Back to the start and clear what a longer line left.
      line += format("\r\033[K{}/{} {} ", done_, steps, bar);
    }
    const double seconds = elapsed();
    const std::int64_t here = done_ - std::max<std::int64_t>(begun_, 0);
    const double per_step = here > 0 ? seconds / static_cast<double>(here) : 0;
    const double left = per_step * static_cast<double>(std::max<std::int64_t>(
                                       steps - done_, 0));
    line += duration_text(last || steps < 0 ? seconds : left) + " " +
            per_step_text(per_step);
    for (const auto& [name, value] : logs.entries()) {
      line += format(" - {}: {}", name, value_text(value));
    }
    std::fputs(line.c_str(), stdout);
    line_is_open_ = true;
    std::fflush(stdout);
  }

  std::optional<int> verbose_;
  bool live_ = false;
  bool silent_ = false;
  bool in_fit_ = false;
  bool line_is_open_ = false;
  std::int64_t done_ = 0;
  std::int64_t begun_ = -1;  // the first step seen; -1: none yet
  std::int64_t seen_ = -1;   // steps of the last pass
  Clock::time_point start_;
  Clock::time_point drawn_;
};

}  // namespace

std::shared_ptr<Callback> make_progress_bar(int verbose) {
  return std::make_shared<ProgressBar>(verbose);
}

std::shared_ptr<Callback> find_progress_bar(
    const std::vector<std::shared_ptr<Callback>>& callbacks) {
  for (const auto& callback : callbacks) {
    if (std::dynamic_pointer_cast<ProgressBar>(callback)) return callback;
  }
  return nullptr;
}

std::shared_ptr<Callback> callbacks::ProgbarLogger() {
  return std::make_shared<ProgressBar>(std::nullopt);
}

int resolve_verbose(std::optional<int> verbose) {
  if (verbose) return *verbose;
  return isatty(STDOUT_FILENO) == 1 ? 1 : 2;
}

}  // namespace keratin
