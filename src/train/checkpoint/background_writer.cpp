#include "src/train/checkpoint/background_writer.hpp"

#include <utility>

namespace keratin {

BackgroundWriter::~BackgroundWriter() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void BackgroundWriter::add(std::function<void()> work) {
  {
    std::unique_lock lock(mutex_);
    if (when_busy_ == WhenBusy::replace) waiting_.clear();
    changed_.wait(lock, [this] { return waiting_.empty(); });
    waiting_.push_back(std::move(work));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  changed_.notify_all();
}

void BackgroundWriter::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !working_; });
}

void BackgroundWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ends_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    working_ = true;
    lock.unlock();
    changed_.notify_all();
    work();
    work = {};  // frees the copy
    lock.lock();
    working_ = false;
    changed_.notify_all();
  }
}

}  // namespace keratin
