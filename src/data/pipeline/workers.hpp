#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "src/data/pipeline/node.hpp"

namespace keratin::data {

/// Elements made ahead by threads of their own.
///
/// One thread at a time pulls the next element from `pull`; making it runs on
/// all threads at once. Elements come out in the order pulled, or as they get
/// ready. An exception comes out in its element's place and ends the work, as
/// the end does; the destructor waits only for what is being made right now,
/// which loops over many elements cut short (check_stop).
class Workers {
 public:
  using Pull = std::function<bool(Pending&)>;

  /// `window`: elements made or being made that were not taken yet. `flag`:
  /// of the pass, for check_stop(); may be null.
  Workers(
      Pull pull,
      std::int64_t threads,
      std::int64_t window,
      bool ordered,
      std::shared_ptr<const StopFlag> flag = nullptr);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();

  /// The next element, or nothing at the end.
  std::optional<Element> next();

 private:
  struct Slot {
    std::optional<Element> element;
    std::exception_ptr error;
    bool ready = false;
  };

  using SlotPtr = std::shared_ptr<Slot>;

  void work();
  void stop();

  /// Pulls an element and takes a slot for it; false when there is no more.
  bool pull(Pending& pending, SlotPtr& slot);
  std::deque<SlotPtr>::iterator find_ready();

  Pull pull_;
  std::size_t window_;
  bool ordered_;
  std::shared_ptr<const StopFlag> flag_;
  std::mutex pull_mutex_;  // taken before mutex_
  std::mutex mutex_;
  std::condition_variable room_;   // a slot was taken, or stop
  std::condition_variable ready_;  // a slot is ready, or the end
  std::deque<SlotPtr> slots_;      // in the order pulled
  bool ended_ = false;             // nothing more is pulled
  bool stop_ = false;
  std::vector<std::jthread> threads_;
};

/// The number of threads that `asked` stands for: kAutotune is num_threads().
std::int64_t thread_count(std::int64_t asked);

}  // namespace keratin::data
