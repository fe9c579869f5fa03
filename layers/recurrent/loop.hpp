#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "layers/recurrent/cell.hpp"

namespace keratin::layers {

/// The arguments all recurrent layers share.
struct LoopOptions {
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool zero_output_for_mask = false;
};

/// A cell's run over the steps of a sequence.
struct Loop {
  const LoopOptions& options;
  const LayerImpl& owner;  // for errors
  CellRun run;
  std::optional<std::size_t> output_state;  // of the cell
  Value xs;                                 // projected: [steps, batch, ...]
  Value mask;                  // bool[steps, batch, 1]; may be none
  std::vector<Value> states;   // before the first step
  bool starts_at_zero = true;  // all of them
  /// The type of the cell's output; asked when the loop must carry it.
  std::function<LayerImpl::Spec()> output_spec;
};

struct LoopResult {
  Value last;                 // the last step's output, unless sequences
  Value ys;                   // [steps, batch, ...] as they were computed
  std::vector<Value> states;  // after the last step
};

/// As one scan, or step by step with options.unroll.
LoopResult run_loop(CallContext& ctx, const Loop& loop);

}  // namespace keratin::layers
