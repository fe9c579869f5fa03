#include "src/train/callbacks/monitor.hpp"

#include <cmath>
#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

Monitor::Monitor(
    std::string who, std::string monitor, std::string mode, double min_delta)
    : who_(std::move(who)),
      monitor_(std::move(monitor)),
      mode_(std::move(mode)),
      min_delta_(std::abs(min_delta)) {
  if (mode_ != "auto" && mode_ != "min" && mode_ != "max") {
    throw InvalidArgument(format(
        "[{}] expected mode 'auto', 'min' or 'max', got '{}'", who_, mode_));
  }
}

std::optional<double> Monitor::value(const Logs& logs) const {
  const std::optional<double> found = logs.find(monitor_);
  if (found) return found;
  std::string names;
  for (const auto& [name, logged] : logs.entries()) {
    names += (names.empty() ? "" : ", ") + name;
  }
  log_message(
      LogChannel::warning,
      format(
          "[{}] monitors '{}', which is not logged; there is {}",
          who_,
          monitor_,
          names));
  return {};
}

void Monitor::find_direction(const ModelImpl& model) {
  if (up_) return;
  if (mode_ != "auto") {
    up_ = mode_ == "max";
    return;
  }
  const std::string name =
      monitor_.starts_with("val_") ? monitor_.substr(4) : monitor_;
  if (name == "loss") up_ = false;
  for (const OutputMetric& metric : model.trainer_state().metrics) {
    if (metric.metric.name() != name && metric.log_name != name) continue;
    if (const auto up = metric.metric.impl().higher_is_better()) up_ = *up;
  }
  if (!up_) {
    throw InvalidArgument(format(
        "[{}] cannot tell whether '{}' should grow or fall; give mode 'max' or "
        "'min'",
        who_,
        monitor_));
  }
}

bool Monitor::improves(
    const ModelImpl& model, double value, std::optional<double> reference) {
  find_direction(model);
  if (!reference) return true;
  return *up_ ? value - min_delta_ > *reference
              : value + min_delta_ < *reference;
}

}  // namespace keratin
