#include "src/data/skip_list.hpp"

#include <functional>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::data {
namespace {

constexpr std::size_t kMostMessages = 1000;

}  // namespace

void SkipList::add(const std::string& place, const std::string& message) {
  const std::lock_guard lock(mutex_);
  if (!places_.insert(std::hash<std::string>()(place)).second) return;
  if (messages_.size() == kMostMessages) return;
  messages_.push_back(message);
  log_message(
      LogChannel::warning,
      format("{}; skipped, {} so far", message, places_.size()));
}

std::int64_t SkipList::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(places_.size());
}

std::vector<std::string> SkipList::messages() const {
  const std::lock_guard lock(mutex_);
  return messages_;
}

void check_on_error(const char* who, const std::string& on_error) {
  if (on_error == "raise" || on_error == "skip") return;
  throw InvalidArgument(
      format("{} expected on_error raise or skip, got \"{}\"", who, on_error));
}

}  // namespace keratin::data
