#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "src/backends/host/schedule.hpp"

namespace keratin::host {

/// A sub-graph made ready to run inside a node's kernel: its intermediate
/// values live in a part of the node's scratch, its parameters wherever the
/// kernel says.
class SubProgram {
 public:
  SubProgram(KernelFactory& factory, std::shared_ptr<const Graph> body)
      : body_(std::move(body)), schedule_(factory, *body_) {}

  /// The body of a loop, whose parameters from `varying` on stay as they are
  /// from round to round.
  SubProgram(
      KernelFactory& factory,
      std::shared_ptr<const Graph> body,
      std::size_t varying)
      : body_(std::move(body)),
        schedule_(factory.in_loop(*body_, varying), *body_) {}

  std::int64_t scratch_bytes() const { return schedule_.arena_bytes(); }

  void bind(std::span<std::byte* const> parameters, std::byte* scratch) {
    schedule_.bind(scratch, parameters, {});
  }

  void run() { schedule_.run(); }

  /// See Schedule::let_move.
  bool let_parameter_move(std::size_t i) {
    return schedule_.let_move(body_->parameters()[i]);
  }

  /// REQUIRES: output `i` occurs once among the body's outputs.
  bool let_output_move(std::size_t i) {
    return schedule_.let_move(body_->outputs()[i]);
  }

  void move(std::span<std::byte* const> addresses) {
    schedule_.move(addresses);
  }

  /// See Kernel::renew.
  void renew() { schedule_.renew(); }

  std::size_t output_count() const { return body_->outputs().size(); }

  /// REQUIRES: bound.
  View output(std::size_t i) const {
    return schedule_.view(body_->outputs()[i]);
  }

  bool output_occurs_once(std::size_t output) const {
    const std::vector<ValueId>& ids = body_->outputs();
    return std::count(ids.begin(), ids.end(), ids[output]) == 1;
  }

  /// The parameter that an output is, perhaps under another name.
  std::optional<std::size_t> parameter_of_output(std::size_t output) const {
    const ValueId id = body_->outputs()[output];
    const Placement& placement = schedule_.plan().values[id];
    if (placement.place != Place::input) return {};
    return static_cast<std::size_t>(placement.index);
  }

 private:
  std::shared_ptr<const Graph> body_;
  Schedule schedule_;
};

}  // namespace keratin::host
