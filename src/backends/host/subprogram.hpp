#pragma once

#include <cstddef>
#include <memory>
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

  /// See Kernel::renew.
  void renew() { schedule_.renew(); }

  std::size_t output_count() const { return body_->outputs().size(); }

  /// REQUIRES: bound.
  View output(std::size_t i) const {
    return schedule_.view(body_->outputs()[i]);
  }

  /// Whether an output is a parameter, perhaps under another name.
  bool passes_through(std::size_t output) const {
    const ValueId id = body_->outputs()[output];
    return schedule_.plan().values[id].place == Place::input;
  }

 private:
  std::shared_ptr<const Graph> body_;
  Schedule schedule_;
};

}  // namespace keratin::host
