#include "losses/functions.hpp"

#include <cmath>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/format.hpp"

namespace keratin::losses {

Pair squeeze_or_expand_to_same_rank(Value y_true, Value y_pred) {
  const auto align = [](Value& longer, Value& shorter) {
    if (longer.rank() != shorter.rank() + 1 || longer.shape().back() != 1) {
      return;
    }
    if (shorter.rank() == 1) {
      shorter = ops::expand_dims(shorter, -1);
    } else {
      longer = ops::squeeze(longer, {-1});
    }
  };
  if (y_true.rank() > y_pred.rank()) {
    align(y_true, y_pred);
  } else if (y_true.rank() < y_pred.rank()) {
    align(y_pred, y_true);
  }
  return {y_true, y_pred};
}

Value divide_no_nan(const Value& y, const Value& x) {
  const Value zero = ops::equal(x, 0.0);
  const Value safe = ops::where(zero, ops::ones_like(x), x);
  const Value quotient = y / safe;
  return ops::where(zero, ops::zeros_like(quotient), quotient);
}

Value normalize(const Value& x, std::int64_t axis) {
  const Value inverse =
      ops::rsqrt(ops::sum(ops::square(x), {axis}, /*keepdims=*/true));
  return x * ops::minimum(inverse, 1.0 / kEpsilon);
}

namespace {

/// Both of one rank and y_pred's dtype. Throws unless they broadcast.
Pair prepare(const Value& y_true, const Value& y_pred, const char* who) {
  const Pair pair =
      squeeze_or_expand_to_same_rank(ops::cast(y_true, y_pred.dtype()), y_pred);
  if (pair.y_true.shape() == pair.y_pred.shape()) return pair;
  try {
    broadcast_shapes(pair.y_true.shape(), pair.y_pred.shape());
  } catch (const InvalidArgument&) {
    throw InvalidArgument(format(
        "[{}] expected y_true and y_pred of one shape, got {} and {}; the last "
        "layer and the targets must agree",
        who,
        y_true.shape(),
        y_pred.shape()));
  }
  return pair;
}

Value last_mean(const Value& x) {
  return x.rank() == 0 ? x : ops::mean(x, {-1});
}

Value last_sum(const Value& x) {
  return ops::sum(x, {-1});
}

/// Labels 0 and 1 as -1 and 1; others as they are.
Value hinge_labels(const Value& y) {
  const Value binary =
      ops::all(ops::logical_or(ops::equal(y, 0.0), ops::equal(y, 1.0)));
  return ops::where(binary, 2.0 * y - 1.0, y);
}

}  // namespace

Value mean_squared_error(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "mean_squared_error");
  return last_mean(ops::square(y - p));
}

Value mean_absolute_error(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "mean_absolute_error");
  return last_mean(ops::abs(y - p));
}

Value mean_absolute_percentage_error(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "mean_absolute_percentage_error");
  return 100.0 *
         last_mean(ops::abs((y - p) / ops::maximum(ops::abs(y), kEpsilon)));
}

Value mean_squared_logarithmic_error(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "mean_squared_logarithmic_error");
  const auto log_of = [](const Value& x) {
    return ops::log(ops::maximum(x, kEpsilon) + 1.0);
  };
  return last_mean(ops::square(log_of(p) - log_of(y)));
}

Value huber(const Value& y_true, const Value& y_pred, double delta) {
  const auto [y, p] = prepare(y_true, y_pred, "huber");
  const Value error = p - y;
  const Value size = ops::abs(error);
  return last_mean(ops::where(
      ops::less_equal(size, delta),
      0.5 * ops::square(error),
      delta * size - 0.5 * delta * delta));
}

Value log_cosh(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "log_cosh");
  const Value error = p - y;
  // Keras takes the logarithm of 2 in float32, whatever it computes in.
  const double log_2 = std::log(2.0F);
  return last_mean(error + ops::softplus(error * -2.0) - log_2);
}

Value cosine_similarity(
    const Value& y_true, const Value& y_pred, std::int64_t axis) {
  const auto [y, p] = prepare(y_true, y_pred, "cosine_similarity");
  return -ops::sum(normalize(y, axis) * normalize(p, axis), {axis});
}

Value hinge(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "hinge");
  return last_mean(ops::maximum(1.0 - hinge_labels(y) * p, 0.0));
}

Value squared_hinge(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "squared_hinge");
  return last_mean(ops::square(ops::maximum(1.0 - hinge_labels(y) * p, 0.0)));
}

Value categorical_hinge(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "categorical_hinge");
  const Value right = last_sum(y * p);
  const Value wrong = ops::max((1.0 - y) * p, {-1});
  return ops::maximum(wrong - right + 1.0, 0.0);
}

Value poisson(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "poisson");
  return last_mean(p - y * ops::log(p + kEpsilon));
}

Value kl_divergence(const Value& y_true, const Value& y_pred) {
  const auto [y, p] = prepare(y_true, y_pred, "kl_divergence");
  const Value from = ops::clip(y, kEpsilon, 1);
  const Value to = ops::clip(p, kEpsilon, 1);
  return last_sum(from * ops::log(from / to));
}

Value dice(
    const Value& y_true,
    const Value& y_pred,
    const std::vector<std::int64_t>& axes) {
  const auto [y, p] = prepare(y_true, y_pred, "dice");
  const Value common = ops::sum(y * p, axes);
  return 1.0 -
         2.0 * common / (ops::sum(y, axes) + ops::sum(p, axes) + kEpsilon);
}

Value tversky(
    const Value& y_true,
    const Value& y_pred,
    double alpha,
    double beta,
    const std::vector<std::int64_t>& axes) {
  const auto [y, p] = prepare(y_true, y_pred, "tversky");
  const Value common = ops::sum(y * p, axes);
  const Value missed = ops::sum((1.0 - p) * y, axes);
  const Value made_up = ops::sum(p * (1.0 - y), axes);
  return 1.0 - common / (common + missed * alpha + made_up * beta + kEpsilon);
}

Value circle(
    const Value& y_true,
    const Value& y_pred,
    double gamma,
    double margin,
    bool remove_diagonal) {
  Value labels = y_true;
  if (labels.rank() == 2 && labels.shape()[1] == 1) {
    labels = ops::squeeze(labels, {-1});
  }
  if (y_pred.rank() != 2 || labels.rank() != 1 ||
      labels.shape()[0] != y_pred.shape()[0]) {
    throw InvalidArgument(format(
        "[circle] expected labels [batch] and embeddings [batch, features], "
        "got {} and {}",
        y_true.shape(),
        y_pred.shape()));
  }
  labels = ops::cast(labels, DType::i32);
  const std::int64_t n = labels.shape()[0];
  const Value distance = ops::maximum(
      1.0 - ops::matmul(y_pred, y_pred, {.transpose_b = true}), 0.0);
  Value same =
      ops::equal(ops::expand_dims(labels, 1), ops::expand_dims(labels, 0));
  const Value other = ops::logical_not(same);
  if (remove_diagonal) {
    Graph& graph = labels.graph();
    same = ops::logical_and(
        same,
        ops::not_equal(
            ops::iota(graph, {n, n}, 0, DType::i32),
            ops::iota(graph, {n, n}, 1, DType::i32)));
  }
  // Rows of exponents; pairs of the other kind count for nothing.
  const auto log_sum = [&](const Value& pairs, const Value& exponents) {
    const Value nothing = ops::full_like(exponents, -INFINITY);
    return ops::logsumexp(ops::where(pairs, exponents, nothing), {1});
  };
  const Value positive = log_sum(
      same,
      -gamma * ops::maximum(distance + margin, 0.0) * (margin - distance));
  const Value negative = log_sum(
      other,
      gamma * ops::maximum(1.0 + margin - distance, 0.0) *
          (1.0 - margin - distance));
  return ops::softplus(positive + negative);
}

}  // namespace keratin::losses
