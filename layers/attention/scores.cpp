#include "layers/attention/scores.hpp"

namespace keratin::layers {

Value causal_mask(Graph& graph, std::int64_t t, std::int64_t s) {
  return ops::greater_equal(
      ops::iota(graph, {1, t, 1}, 1, DType::i32),
      ops::iota(graph, {1, 1, s}, 2, DType::i32));
}

Value window_mask(
    Graph& graph, std::int64_t t, std::int64_t s, std::int64_t width) {
  const Value distance = ops::abs(
      ops::iota(graph, {1, t, 1}, 1, DType::i32) -
      ops::iota(graph, {1, 1, s}, 2, DType::i32));
  return ops::less(distance, static_cast<double>(width));
}

Value as_bool(const Value& mask) {
  return !mask || mask.dtype() == DType::boolean
             ? mask
             : ops::cast(mask, DType::boolean);
}

Value both(const Value& a, const Value& b) {
  if (!a) return b;
  return b ? ops::logical_and(a, b) : a;
}

Value drop(
    CallContext& ctx, const Variable& seed, const Value& x, double rate) {
  if (!ctx.training() || rate == 0) return x;
  if (rate == 1) return ops::zeros_like(x);
  const Value state = ctx.next_random_state(seed);
  const Value kept =
      ops::greater_equal(ops::random_uniform(state, x.shape()), rate);
  return ops::where(kept, x * (1 / (1 - rate)), ops::zeros_like(x));
}

}  // namespace keratin::layers
