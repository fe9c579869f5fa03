#pragma once

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

}  // namespace keratin::cli
