#pragma once

#include <cstdint>

#include <keratin/ops.hpp>

#include "layers/support/call_arguments.hpp"

/// What the attention layers share.
namespace keratin::layers {

/// [1, t, s]: true where step j <= step i.
Value causal_mask(Graph& graph, std::int64_t t, std::int64_t s);

/// [1, t, s]: true where |i - j| < width.
Value window_mask(
    Graph& graph, std::int64_t t, std::int64_t s, std::int64_t width);

/// Numbers become true where not zero.
Value as_bool(const Value& mask);

/// Both, where both exist.
Value both(const Value& a, const Value& b);

/// x with a share of its elements zero and the others scaled up, while
/// training.
Value drop(CallContext& ctx, const Variable& seed, const Value& x, double rate);

}  // namespace keratin::layers
