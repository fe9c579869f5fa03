#include "src/train/callbacks/save_frequency.hpp"

#include <string_view>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace callbacks {

SaveFrequency::SaveFrequency(const char* name) : batches_(0) {
  const std::string_view text = name;
  if (text == "never") {
    batches_ = -1;
  } else if (text != "epoch") {
    throw InvalidArgument(format(
        "[save_freq] expected \"epoch\", \"never\" or a number of batches, got "
        "'{}'",
        text));
  }
}

SaveFrequency::SaveFrequency(std::int64_t batches) : batches_(batches) {
  if (batches < 1) {
    throw InvalidArgument(format(
        "[save_freq] expected a number of batches >= 1, got {}", batches));
  }
}

}  // namespace callbacks

bool SaveClock::batch_done(std::int64_t batch) {
  // With steps_per_execution not every batch is seen.
  since_ += batch <= last_ ? batch + 1 : batch - last_;
  last_ = batch;
  if (frequency_.every_epoch() || frequency_.never() ||
      since_ < frequency_.batches()) {
    return false;
  }
  since_ = 0;
  return true;
}

void SaveClock::save_state(Config& values) const {
  values["batches_since_last_saving"] = since_;
  values["last_batch_seen"] = last_;
}

void SaveClock::restore_state(const Config& values) {
  since_ = values.at("batches_since_last_saving").as_int();
  last_ = values.at("last_batch_seen").as_int();
}

callbacks::SaveFrequency save_frequency_of(
    const Config& config, const std::string& where) {
  if (config.is_string() && config.as_string() == "epoch") return "epoch";
  if (config.is_int() && config.as_int() >= 1) return config.as_int();
  throw InvalidArgument(format(
      "[{}.save_freq] expected \"epoch\" or a number of batches >= 1, got {}",
      where,
      config.dump()));
}

}  // namespace keratin
