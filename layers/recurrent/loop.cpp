#include "layers/recurrent/loop.hpp"

#include <utility>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

using Values = std::vector<Value>;

/// mask[..., 1] with as many axes as x has.
Value fit_mask(const Value& mask, const Value& x) {
  Value out = mask;
  while (out.rank() < x.rank()) out = ops::expand_dims(out, -1);
  return out;
}

Value keep(const Value& mask, const Value& x, const Value& otherwise) {
  return ops::where(fit_mask(mask, x), x, otherwise);
}

Value keep(const Value& mask, const Value& x) {
  return keep(mask, x, ops::scalar_like(x, 0));
}

/// One step: cell and mask.
class Stepper {
 public:
  explicit Stepper(const Loop& loop)
      : loop_(loop),
        zeros_(loop.options.zero_output_for_mask),
        previous_is_state_(
            loop.mask && !zeros_ && loop.output_state && loop.starts_at_zero) {}

  /// Whether a masked step repeats an output that no state holds.
  bool needs_previous() const {
    return loop_.mask && !zeros_ && !previous_is_state_;
  }

  struct Result {
    Value output;
    Values states;
  };

  /// `previous`: the output of the step before; none in the first.
  Result operator()(
      const Value& x,
      const Value& mask,
      const Values& states,
      const Value& previous) const {
    const Values results = loop_.run.step(x, states);
    check(results, states);
    Result out{results[0], {results.begin() + 1, results.end()}};
    if (!mask) return out;
    for (std::size_t i = 0; i < states.size(); ++i) {
      out.states[i] = keep(mask, out.states[i], states[i]);
    }
    if (previous_is_state_) {
      out.output = out.states[*loop_.output_state];
    } else if (zeros_ || !previous) {
      out.output = keep(mask, out.output);
    } else {
      out.output = keep(mask, out.output, previous);
    }
    return out;
  }

 private:
  void check(const Values& results, const Values& states) const {
    if (results.size() != states.size() + 1) {
      fail(format(
          "expected the cell to return its output and {} states, got {} "
          "values",
          states.size(),
          results.size()));
    }
    for (std::size_t i = 0; i < states.size(); ++i) {
      const Value& next = results[i + 1];
      if (next.shape() == states[i].shape() &&
          next.dtype() == states[i].dtype()) {
        continue;
      }
      fail(format(
          "expected the cell to keep state {} a {}{}, got {}{}",
          i,
          states[i].dtype(),
          states[i].shape(),
          next.dtype(),
          next.shape()));
    }
  }

  [[noreturn]] void fail(const std::string& message) const {
    throw InvalidArgument(format("{} {}", loop_.owner.who(), message));
  }

  const Loop& loop_;
  bool zeros_;
  bool previous_is_state_;
};

LoopResult unrolled(const Loop& loop, const Stepper& stepper) {
  const std::int64_t steps = loop.xs.shape()[0];
  const auto at = [](const Value& x, std::int64_t t) {
    return ops::squeeze(ops::slice_axis(x, 0, t, t + 1), {0});
  };
  LoopResult result;
  result.states = loop.states;
  Values ys;
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = loop.options.go_backwards ? steps - 1 - i : i;
    Stepper::Result step = stepper(
        at(loop.xs, t),
        loop.mask ? at(loop.mask, t) : Value(),
        result.states,
        result.last);
    result.last = step.output;
    result.states = std::move(step.states);
    if (loop.options.return_sequences) ys.push_back(result.last);
  }
  if (loop.options.return_sequences) result.ys = ops::stack(ys);
  return result;
}

/// The losses that layers inside the cell add are summed over the steps.
class LossCollector {
 public:
  explicit LossCollector(CallContext& ctx)
      : ctx_(ctx), before_(ctx.take_losses()) {}

  /// Those added in the body.
  Values collect(const Graph& body) {
    Values inside;
    for (const Value& loss : ctx_.take_losses()) {
      (&loss.graph() == &body ? inside : before_).push_back(loss);
    }
    return inside;
  }

  void finish(const Values& stacked) {
    for (const Value& loss : before_) ctx_.add_loss(loss);
    for (const Value& losses : stacked) ctx_.add_loss(ops::sum(losses));
  }

 private:
  CallContext& ctx_;
  Values before_;
};

/// A variable assigned inside the body would need to be carried.
void check_assigned(CallContext& ctx, const Loop& loop) {
  for (const auto& [variable, value] : ctx.assigned()) {
    if (&value.graph() == &loop.xs.graph() || &value.graph() == &ctx.graph()) {
      continue;
    }
    throw InvalidArgument(format(
        "{} the cell assigns {} in every step; pass unroll = true for such a "
        "cell",
        loop.owner.who(),
        variable.path()));
  }
}

LoopResult scanned(CallContext& ctx, const Loop& loop, const Stepper& stepper) {
  const LoopOptions& options = loop.options;
  const std::size_t states = loop.states.size();
  const bool carries_output = stepper.needs_previous() ||
                              (!options.return_sequences && !loop.output_state);
  Values init = loop.states;
  if (carries_output) {
    const LayerImpl::Spec spec = loop.output_spec();
    init.push_back(ops::full(ctx.graph(), spec.shape, 0, spec.dtype));
  }
  Values xs = {loop.xs};
  if (loop.mask) xs.push_back(loop.mask);
  LossCollector losses(ctx);
  const auto body = [&](const Values& parameters) {
    const auto first_x =
        parameters.begin() + static_cast<std::ptrdiff_t>(init.size());
    const Stepper::Result step = stepper(
        *first_x,
        loop.mask ? *(first_x + 1) : Value(),
        {parameters.begin(),
         parameters.begin() + static_cast<std::ptrdiff_t>(states)},
        carries_output ? parameters[states] : Value());
    Values results = step.states;
    if (carries_output) results.push_back(step.output);
    if (options.return_sequences) results.push_back(step.output);
    for (const Value& loss : losses.collect(first_x->graph())) {
      results.push_back(loss);
    }
    return results;
  };
  const ops::ScanResult scan =
      ops::scan(init, xs, body, {}, options.go_backwards);
  check_assigned(ctx, loop);
  Values ys = scan.ys;
  LoopResult result;
  if (options.return_sequences) {
    // Keras returns the steps in the order in which they were computed.
    result.ys = options.go_backwards ? ops::flip(ys[0], {0}) : ys[0];
    ys.erase(ys.begin());
  }
  losses.finish(ys);
  result.states = {
      scan.carry.begin(),
      scan.carry.begin() + static_cast<std::ptrdiff_t>(states)};
  if (options.return_sequences) return result;
  if (carries_output) {
    result.last = scan.carry[states];
    return result;
  }
  result.last = result.states[*loop.output_state];
  if (loop.mask && options.zero_output_for_mask) {
    const std::int64_t steps = loop.xs.shape()[0];
    const std::int64_t t = options.go_backwards ? 0 : steps - 1;
    result.last = keep(
        ops::squeeze(ops::slice_axis(loop.mask, 0, t, t + 1), {0}),
        result.last);
  }
  return result;
}

}  // namespace

LoopResult run_loop(CallContext& ctx, const Loop& loop) {
  const Stepper stepper(loop);
  return loop.options.unroll ? unrolled(loop, stepper)
                             : scanned(ctx, loop, stepper);
}

}  // namespace keratin::layers
