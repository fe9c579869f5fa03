#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include <keratin/data/profile.hpp>

#include "src/data/pipeline/node.hpp"

namespace keratin::data {

/// What a stage did, counted by all threads.
struct Stage {
  const Node* node;
  std::atomic<std::int64_t> elements = 0;
  std::atomic<std::int64_t> work_ns = 0;
  std::atomic<std::int64_t> wait_ns = 0;
};

/// The stages of a pipeline. Nodes that functions make in a pass have none.
class StageClock {
 public:
  explicit StageClock(const Node& root);

  /// Null for a node that is not part of the pipeline.
  Stage* of(const Node& node) const;

  std::vector<StageProfile> profile() const;

 private:
  void add(const Node& node);

  std::vector<std::unique_ptr<Stage>> stages_;  // inputs first
  std::map<const Node*, Stage*> by_node_;
};

/// Counts the time of a scope for a stage, less that of timers inside it on the
/// same thread.
class StageTimer {
 public:
  StageTimer(Stage& stage, bool waits);
  StageTimer(const StageTimer&) = delete;
  StageTimer& operator=(const StageTimer&) = delete;
  ~StageTimer();

 private:
  using Clock = std::chrono::steady_clock;

  Stage& stage_;
  bool waits_;
  StageTimer* outer_;
  Clock::time_point start_;
  Clock::duration inside_{};
};

/// The cursor with its time counted for the node, where the pass is profiled.
/// `counts`: whether its elements are the node's.
CursorPtr timed(
    const Node& node, const Pass& pass, CursorPtr cursor, bool counts = true);

}  // namespace keratin::data
