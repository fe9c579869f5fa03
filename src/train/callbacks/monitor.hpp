#pragma once

#include <optional>
#include <string>

#include <keratin/callbacks.hpp>

namespace keratin {

/// Compares a logged value with the best so far (Keras's MonitorCallback).
class Monitor {
 public:
  /// `who` names the callback in messages. Throws InvalidArgument for a mode
  /// that is none of "auto", "min", "max".
  Monitor(
      std::string who, std::string monitor, std::string mode, double min_delta);

  /// The value, or empty with a warning that lists what there is.
  std::optional<double> value(const Logs& logs) const;

  /// Whether `value` beats `reference` by more than min_delta. Works out the
  /// direction first: throws InvalidArgument when mode is "auto" and the name
  /// does not tell.
  bool improves(
      const ModelImpl& model, double value, std::optional<double> reference);

 private:
  void find_direction(const ModelImpl& model);

  std::string who_;
  std::string monitor_;
  std::string mode_;
  double min_delta_;
  std::optional<bool> up_;
};

}  // namespace keratin
