#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

namespace keratin::data {

/// What was left out of files, for all threads and passes.
class SkipList {
 public:
  /// `place`: of a file; counts once, however many passes meet it. A warning
  /// goes to the log, of the first thousand places.
  void add(const std::string& place, const std::string& message);

  std::int64_t count() const;

  /// Of the first thousand.
  std::vector<std::string> messages() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_set<std::size_t> places_;  // hashes: there may be many
  std::vector<std::string> messages_;
};

/// Throws InvalidArgument, "WHO expected on_error raise or skip, got ...".
void check_on_error(const char* who, const std::string& on_error);

}  // namespace keratin::data
