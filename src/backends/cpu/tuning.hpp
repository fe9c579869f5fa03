#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/backends/cpu/onednn.hpp"

namespace keratin::cpu {

/// While it lives, choices on this thread are made without timing: the first
/// candidate wins.
class DeterministicScope {
 public:
  explicit DeterministicScope(bool deterministic);
  ~DeterministicScope();
  DeterministicScope(const DeterministicScope&) = delete;
  DeterministicScope& operator=(const DeterministicScope&) = delete;

 private:
  bool before_;
};

/// One way to run a node; makes its sequence, or nothing where oneDNN declines.
struct Candidate {
  std::string name;
  std::function<std::unique_ptr<Sequence>()> make;
  bool last_resort = false;  // not even timed where another can be made
};

/// The fastest of the candidates for operands and results of these sizes in
/// bytes, timed on memory made for the occasion. What was chosen for a key
/// (whatever names the same work) is kept for the process. Without timing
/// (deterministic, or `small` work) it is the first that can be made.
/// KERATIN_CHECKs that there is one.
std::unique_ptr<Sequence> fastest(
    const std::string& key,
    const std::vector<Candidate>& candidates,
    const std::vector<std::int64_t>& input_bytes,
    const std::vector<std::int64_t>& output_bytes,
    bool small);

}  // namespace keratin::cpu
