// Connectionist temporal classification (Graves et al., 2006).

#include <algorithm>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/losses/regression.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "losses/keras_loss.hpp"
#include "losses/registry.hpp"
#include "src/core/format.hpp"

namespace keratin::losses {

namespace {

/// Log of a probability of zero: small enough that no sum feels it, finite so
/// that gradients stay numbers.
constexpr double kImpossible = -1e30;

/// x moved `by` places to the right along the last axis of [batch, states].
Value shifted(const Value& x, std::int64_t by) {
  return ops::pad(x, {0, by}, {0, -by}, kImpossible);
}

Value log_sum(const std::vector<Value>& terms) {
  return ops::logsumexp(ops::stack(terms, 0), {0});
}

}  // namespace

Value ctc(const Value& y_true, const Value& y_pred) {
  if (y_true.rank() != 2 || y_pred.rank() != 3 ||
      y_true.shape()[0] != y_pred.shape()[0]) {
    throw InvalidArgument(format(
        "[ctc] expected labels [batch, length] and logits [batch, steps, "
        "classes], got {} and {}",
        y_true.shape(),
        y_pred.shape()));
  }
  const Value labels = ops::cast(y_true, DType::i32);
  const std::int64_t batch = labels.shape()[0];
  const std::int64_t length = labels.shape()[1];
  const std::int64_t steps = y_pred.shape()[1];
  const std::int64_t states = 2 * length + 1;
  if (steps == 0) {
    throw InvalidArgument("[ctc] expected logits of one step or more, got 0");
  }
  // States of the path: a blank (class 0) before, between and after the
  // labels. Labels of 0 are padding, whose states no path ends in.
  const Value blank = ops::full(labels.graph(), {batch, 1}, 0, labels.dtype());
  const Value between = ops::reshape(
      ops::stack({ops::zeros_like(labels), labels}, 2), {batch, 2 * length});
  const Value symbols = ops::concatenate({between, blank}, 1);
  const Value emit = ops::take_along_axis(
      ops::log_softmax(y_pred),
      ops::broadcast_to(ops::expand_dims(symbols, 1), {batch, steps, states}),
      -1);
  const Value state = ops::iota(labels.graph(), {batch, states}, 1, DType::i32);
  // A blank between two different labels may be left out.
  const Value before = ops::pad(symbols, {0, 2}, {0, -2});
  const Value skips = ops::logical_and(
      ops::not_equal(symbols, 0.0), ops::not_equal(symbols, before));
  const Value by_time = ops::transpose(emit, {1, 0, 2});
  const Value first = ops::squeeze(ops::slice_axis(by_time, 0, 0, 1), {0});
  const Value none = ops::full_like(first, kImpossible);
  Value paths = ops::where(ops::less(state, 2.0), first, none);
  if (steps > 1) {
    paths = ops::scan(
                {paths},
                {ops::slice_axis(by_time, 0, 1, steps)},
                [&](const std::vector<Value>& in) -> std::vector<Value> {
                  const Value skipped =
                      ops::where(skips, shifted(in[0], 2), none);
                  return {log_sum({in[0], shifted(in[0], 1), skipped}) + in[1]};
                })
                .carry[0];
  }
  // Paths end in the last label or the blank after it.
  const Value count =
      ops::sum(ops::cast(ops::not_equal(labels, 0.0), DType::i32), {1}, true);
  const Value last = ops::add(count, count);
  const Value ends = ops::logical_or(
      ops::equal(state, last), ops::equal(state, ops::subtract(last, 1.0)));
  return -ops::logsumexp(ops::where(ends, paths, none), {1});
}

namespace {

class CTCLoss final : public KerasLoss<LossOptions> {
 public:
  explicit CTCLoss(LossOptions options = {})
      : KerasLoss(std::move(options), "ctc") {}

  std::string class_name() const override { return "CTC"; }

  bool casts_labels() const override { return false; }

  std::optional<bool> from_logits() const override { return true; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return ctc(y_true, y_pred);
  }
};

}  // namespace

std::shared_ptr<LossImpl> make_ctc() {
  return std::make_shared<CTCLoss>();
}

Loss CTC(LossOptions options) {
  return Loss(std::shared_ptr<const LossImpl>(
      std::make_shared<CTCLoss>(std::move(options))));
}

}  // namespace keratin::losses
