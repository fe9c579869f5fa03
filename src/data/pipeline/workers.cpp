#include "src/data/pipeline/workers.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/threads.hpp>

#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::data {

Workers::Workers(
    Pull pull,
    std::int64_t threads,
    std::int64_t window,
    bool ordered,
    std::shared_ptr<const StopFlag> flag)
    : pull_(std::move(pull)),
      window_(static_cast<std::size_t>(window)),
      ordered_(ordered),
      flag_(std::move(flag)) {
  try {
    for (std::int64_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { work(); });
    }
  } catch (const std::system_error& error) {
    stop();
    throw SystemError(format(
        "[dataset] thread {} of {} could not be started: {}; use fewer "
        "num_parallel_calls",
        threads_.size() + 1,
        threads,
        error.what()));
  }
}

Workers::~Workers() {
  stop();
}

void Workers::stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  room_.notify_all();
  threads_.clear();  // joins
}

bool Workers::pull(Pending& pending, SlotPtr& slot) {
  // Pulled and numbered under one lock, so that slots are in order.
  const std::lock_guard pulling(pull_mutex_);
  {
    std::unique_lock lock(mutex_);
    room_.wait(
        lock, [&] { return stop_ || ended_ || slots_.size() < window_; });
    if (stop_ || ended_) return false;
    slot = std::make_shared<Slot>();
    slots_.push_back(slot);
  }
  bool more = false;
  std::exception_ptr error;
  try {
    more = pull_(pending);
  } catch (...) {
    error = std::current_exception();
  }
  if (more) return true;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    if (error) {
      slot->error = error;
      slot->ready = true;
    } else {
      std::erase(slots_, slot);
    }
  }
  room_.notify_all();
  ready_.notify_all();
  return false;
}

void Workers::work() {
  const SerialScope serial;  // data threads never enter OpenMP
  const StopScope stoppable(flag_);
  Pending pending;
  SlotPtr slot;
  while (pull(pending, slot)) {
    std::optional<Element> element;
    std::exception_ptr error;
    try {
      element = pending.take();
    } catch (...) {
      error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      slot->element = std::move(element);
      slot->error = error;
      slot->ready = true;
      if (error) ended_ = true;
    }
    ready_.notify_all();
    if (error) room_.notify_all();
  }
}

std::deque<Workers::SlotPtr>::iterator Workers::find_ready() {
  if (!ordered_) {
    return std::ranges::find_if(
        slots_, [](const SlotPtr& slot) { return slot->ready; });
  }
  const bool first = !slots_.empty() && slots_.front()->ready;
  return first ? slots_.begin() : slots_.end();
}

std::optional<Element> Workers::next() {
  SlotPtr slot;
  {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] {
      return find_ready() != slots_.end() || (ended_ && slots_.empty());
    });
    const auto found = find_ready();
    if (found == slots_.end()) return std::nullopt;
    slot = *found;
    slots_.erase(found);
    if (slot->error) {
      // What comes behind the error is not given.
      ended_ = true;
      slots_.clear();
    }
  }
  room_.notify_one();
  if (slot->error) std::rethrow_exception(slot->error);
  return std::move(slot->element);
}

std::int64_t thread_count(std::int64_t asked) {
  return asked == kAutotune ? num_threads() : asked;
}

}  // namespace keratin::data
