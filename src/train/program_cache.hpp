#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "src/runtime/program.hpp"

namespace keratin {

/// Programs by name, the least recently used going first when there are more
/// than `capacity`. Safe from several threads.
class ProgramCache {
 public:
  explicit ProgramCache(std::size_t capacity) : capacity_(capacity) {}

  /// The program of that key, or null.
  std::shared_ptr<Program> find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    const auto found = at_.find(key);
    if (found == at_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->second;
  }

  /// Keeps a program; gives back the one that was kept first when two threads
  /// made it at once.
  std::shared_ptr<Program> keep(
      const std::string& key, std::shared_ptr<Program> program) {
    const std::lock_guard lock(mutex_);
    if (const auto found = at_.find(key); found != at_.end()) {
      return found->second->second;
    }
    entries_.emplace_front(key, std::move(program));
    at_[key] = entries_.begin();
    if (entries_.size() > capacity_) {
      at_.erase(entries_.back().first);
      entries_.pop_back();
    }
    return entries_.front().second;
  }

  void clear() {
    const std::lock_guard lock(mutex_);
    entries_.clear();
    at_.clear();
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

 private:
  using Entry = std::pair<std::string, std::shared_ptr<Program>>;

  std::size_t capacity_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // the most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> at_;
};

}  // namespace keratin
