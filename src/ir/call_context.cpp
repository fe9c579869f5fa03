#include <functional>

#include <keratin/call_context.hpp>
#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/format.hpp"
#include "src/ir/graph.hpp"

namespace keratin {

CallContext::~CallContext() = default;

std::size_t CallContext::KeyHash::operator()(const Key& key) const {
  return std::hash<const void*>()(key.graph) * 31 +
         static_cast<std::size_t>(key.id);
}

Value CallContext::read_uncast(const Variable& variable) {
  const auto found = assigned_at_.find(variable.id());
  if (found != assigned_at_.end()) return assigned_[found->second].second;
  return graph_.read(variable);
}

Value CallContext::read(const Variable& variable) {
  const Value value = read_uncast(variable);
  if (autocast_ == nullptr || !is_floating(value.dtype())) return value;
  return ops::cast(value, *autocast_);
}

void CallContext::assign(const Variable& variable, const Value& value) {
  if (value.shape() != variable.shape()) {
    throw InvalidArgument(format(
        "[assign {}] expected shape {}, got {}",
        variable.path(),
        variable.shape(),
        value.shape()));
  }
  const Value own = ops::cast(value, variable.dtype());
  const auto [at, is_new] =
      assigned_at_.try_emplace(variable.id(), assigned_.size());
  if (is_new) {
    assigned_.emplace_back(variable, own);
  } else {
    assigned_[at->second].second = own;
  }
}

void CallContext::add_loss(const Value& loss) {
  losses_.push_back(loss);
}

Value CallContext::next_random_state(const Variable& seed_state) {
  const Value state = read_uncast(seed_state);
  const Value step =
      ops::constant(graph_, Tensor(std::vector<std::uint32_t>{0, 1}));
  assign(seed_state, ops::add(state, step));
  return state;
}

Value CallContext::mask(const Value& x) const {
  const auto found = masks_.find({&x.graph(), x.id()});
  return found == masks_.end() ? Value() : found->second;
}

void CallContext::set_mask(const Value& x, const Value& mask) {
  masks_[{&x.graph(), x.id()}] = mask;
}

void CallContext::finish() {
  for (const auto& [variable, value] : assigned_) {
    graph_.assign(variable, value);
  }
  assigned_.clear();
  assigned_at_.clear();
}

}  // namespace keratin
