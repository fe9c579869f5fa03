#pragma once

#include <memory>

#include <keratin/callbacks.hpp>

namespace keratin::cli {

/// For the time of a scope, Ctrl-C and SIGTERM are noted instead of ending the
/// program; the second one ends it. Only the program installs handlers, never
/// the library.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
};

/// The signal that came (SIGINT, SIGTERM), or 0.
int interrupted();

/// Ends fit after the step that is running when interrupted.
std::shared_ptr<Callback> stop_when_interrupted();

}  // namespace keratin::cli
