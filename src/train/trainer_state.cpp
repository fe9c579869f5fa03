#include "src/train/trainer_state.hpp"

#include <keratin/ops.hpp>

namespace keratin {

MeanTracker::MeanTracker(std::string tracker_name)
    : name(std::move(tracker_name)),
      total(
          Tensor(floatx(), {}), {.name = name + "/total", .trainable = false}),
      count(
          Tensor(floatx(), {}), {.name = name + "/count", .trainable = false}) {
}

void MeanTracker::update(
    CallContext& ctx, const Value& value, double weight) const {
  const Value added = ops::cast(value, total.dtype()) * weight;
  ctx.assign(total, ctx.read_uncast(total) + added);
  ctx.assign(count, ctx.read_uncast(count) + weight);
}

Value MeanTracker::result(CallContext& ctx) const {
  const Value n = ctx.read_uncast(count);
  const Value sum = ctx.read_uncast(total);
  // Nothing counted yet: zero, not NaN.
  const Value none = ops::equal(n, 0.0);
  return ops::where(
      none, ops::zeros_like(sum), sum / ops::where(none, ops::ones_like(n), n));
}

void MeanTracker::reset() {
  total.assign(Tensor(total.dtype(), {}));
  count.assign(Tensor(count.dtype(), {}));
}

void TrainerState::reset() {
  const std::lock_guard lock(mutex);
  resolved = false;
  trained_known = false;
  losses.clear();
  metrics.clear();
  tracked.clear();
  loss_tracker.reset();
  programs.clear();
  results.reset();
}

void TrainerState::use_backend(Backend& next) {
  if (backend == &next) return;
  backend = &next;
  programs.clear();
  results.reset();
  group = std::make_shared<ProgramGroup>();  // a workspace is a backend's own
}

MeanTracker& TrainerState::tracker(const std::string& name) {
  for (const auto& known : tracked) {
    if (known->name == name) return *known;
  }
  tracked.push_back(std::make_shared<MeanTracker>(name));
  return *tracked.back();
}

}  // namespace keratin
