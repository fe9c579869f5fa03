#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace keratin {

/// Does what takes a disk on a thread beside the training, in order. Work must
/// not throw.
class BackgroundWriter {
 public:
  /// What happens when there is work that has not begun yet.
  enum class WhenBusy {
    replace,  // it is dropped for the new one
    wait,     // the caller waits until it has begun
  };

  explicit BackgroundWriter(WhenBusy when_busy) : when_busy_(when_busy) {}

  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  /// Finishes what there is.
  ~BackgroundWriter();

  void add(std::function<void()> work);

  /// Until everything is done.
  void wait();

 private:
  void run();

  WhenBusy when_busy_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool working_ = false;
  bool ends_ = false;
  std::thread thread_;  // starts with the first work
};

}  // namespace keratin
