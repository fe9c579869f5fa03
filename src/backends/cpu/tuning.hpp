#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/backends/cpu/onednn.hpp"
#include "src/runtime/backend.hpp"

namespace keratin::cpu {

/// One way to run a node; makes its sequence, or nothing where oneDNN declines.
struct Candidate {
  std::string name;
  std::function<std::unique_ptr<Sequence>()> make;
  bool last_resort = false;  // not even timed where another can be made

  /// Rounds otherwise than the first: wins only where no element of its first
  /// result is further off, on random numbers, than kClose times the largest.
  /// Where it won once, it is taken by name without another look.
  bool approximate = false;
};

inline constexpr float kClose = 5e-6F;

/// What a node does, the batch apart, and the size of the batch: see Choices.
struct Work {
  std::string name;
  std::int64_t batch = 0;
};

/// The fastest of the candidates for operands and results of these sizes in
/// bytes. Taken is, in this order:
///   - under options.deterministic the first that can be made;
///   - what options.choices has, of another batch for a partial one;
///   - for `small` work, and where there is no memory to time on, the first
///     that can be made;
///   - what this process or one before it has timed (remembered_choices);
///   - the winner on memory made for the occasion.
/// What was timed is noted in options.choices and for the process.
/// KERATIN_CHECKs that there is a candidate that can be made.
std::unique_ptr<Sequence> fastest(
    const CompileOptions& options,
    const Work& work,
    const std::vector<Candidate>& candidates,
    const std::vector<std::int64_t>& input_bytes,
    const std::vector<std::int64_t>& output_bytes,
    bool small);

}  // namespace keratin::cpu
