#pragma once

#include <atomic>
#include <memory>

namespace keratin::data {

/// Whether anybody still wants the elements of a pass. A pass that is made on a
/// thread of another one ends with it.
class StopFlag {
 public:
  explicit StopFlag(std::shared_ptr<const StopFlag> outer = nullptr)
      : outer_(std::move(outer)) {}

  void set() { set_.store(true, std::memory_order_relaxed); }

  bool is_set() const {
    return set_.load(std::memory_order_relaxed) || (outer_ && outer_->is_set());
  }

 private:
  std::atomic<bool> set_ = false;
  std::shared_ptr<const StopFlag> outer_;
};

/// What check_stop() throws; only threads that work ahead see it. Not a
/// std::exception: nobody is to take it for an error of an element.
struct Stopped {};

/// While one lives on this thread, check_stop() looks at its flag.
class StopScope {
 public:
  explicit StopScope(std::shared_ptr<const StopFlag> flag);
  StopScope(const StopScope&) = delete;
  StopScope& operator=(const StopScope&) = delete;
  ~StopScope();

  /// The innermost flag of this thread, or null.
  static std::shared_ptr<const StopFlag> current();

 private:
  std::shared_ptr<const StopFlag> flag_;
  StopScope* outer_;
};

/// For loops over elements that may be long: throws Stopped on a thread whose
/// work nobody wants any more.
void check_stop();

}  // namespace keratin::data
