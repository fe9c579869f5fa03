#pragma once

namespace keratin {

/// While it lives, weights that layers make on this thread are zeros: for
/// models whose every weight is read from a file next. Random values of a large
/// model take longer than reading it; zeros take neither time nor, until they
/// are written, memory.
class WithoutInitialValues {
 public:
  explicit WithoutInitialValues(bool active = true) : outer_(flag()) {
    flag() = outer_ || active;
  }

  ~WithoutInitialValues() { flag() = outer_; }

  WithoutInitialValues(const WithoutInitialValues&) = delete;
  WithoutInitialValues& operator=(const WithoutInitialValues&) = delete;

  static bool in_force() { return flag(); }

 private:
  static bool& flag() {
    thread_local bool value = false;
    return value;
  }

  bool outer_;
};

}  // namespace keratin
