#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <keratin/callbacks.hpp>

namespace keratin {

/// Counts batches as Keras does: every so many, across epochs.
class SaveClock {
 public:
  explicit SaveClock(callbacks::SaveFrequency frequency)
      : frequency_(frequency) {}

  bool every_epoch() const { return frequency_.every_epoch(); }

  /// After the batch of this number in its epoch: whether it is time.
  bool batch_done(std::int64_t batch);

  void save_state(Config& values) const;
  void restore_state(const Config& values);

 private:
  callbacks::SaveFrequency frequency_;
  std::int64_t since_ = 0;
  std::int64_t last_ = -1;
};

/// Reads "epoch" or a number of batches. Throws InvalidArgument starting with
/// `where`.
callbacks::SaveFrequency save_frequency_of(
    const Config& config, const std::string& where);

}  // namespace keratin
