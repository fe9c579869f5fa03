#include "src/train/trainer_state.hpp"

#include <keratin/ops.hpp>

namespace keratin {

MeanTracker::MeanTracker(std::string tracker_name)
    : name(std::move(tracker_name)),
      total(
          Tensor(floatx(), {}),
          {.name = name + "/total", .trainable = false}),
      count(
          Tensor(floatx(), {}),
          {.name = name + "/count", .trainable = false}) {}

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

std::shared_ptr<Program> ProgramCache::find(const Key& key) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->second;
}

void ProgramCache::insert(const Key& key, std::shared_ptr<Program> program) {
  entries_.emplace_front(key, std::move(program));
  index_[key] = entries_.begin();
  if (entries_.size() > kCapacity) {
    index_.erase(entries_.back().first);
    entries_.pop_back();
  }
}

void ProgramCache::clear() {
  entries_.clear();
  index_.clear();
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

MeanTracker& TrainerState::tracker(const std::string& name) {
  for (const auto& known : tracked) {
    if (known->name == name) return *known;
  }
  tracked.push_back(std::make_shared<MeanTracker>(name));
  return *tracked.back();
}

}  // namespace keratin
