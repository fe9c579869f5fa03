#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "src/core/format.hpp"
#include "src/ir/graph.hpp"

namespace keratin::losses {

namespace {

/// What `op` was applied to when x comes straight from it along that axis, else
/// empty. Keras on TensorFlow does the same: the cross-entropy of probabilities
/// from a softmax is that of the logits, which neither clips nor loses digits.
Value logits_of(const Value& x, Op op, std::int64_t axis) {
  const Graph& graph = x.graph();
  const NodeId id = graph.producer(x.id());
  if (id < 0) return {};
  const Node& node = graph.node(id);
  if (node.op != op) return {};
  const Value input = graph.value(node.inputs[0]);
  if (op == Op::softmax) {
    const std::int64_t own = node.attrs.integer("axis");
    if (x.shape().axis(axis) != x.shape().axis(own)) return {};
  }
  return input;
}

Pair same_shape(
    const Value& y_true,
    const Value& y_pred,
    const char* who,
    const char* advice) {
  const Value y = ops::cast(y_true, y_pred.dtype());
  const Pair pair = squeeze_or_expand_to_same_rank(y, y_pred);
  if (pair.y_true.shape() == pair.y_pred.shape()) return pair;
  throw InvalidArgument(format(
      "[{}] expected y_true of y_pred's shape {}, got {}; {}",
      who,
      y_pred.shape(),
      y_true.shape(),
      advice));
}

Pair one_hot_pair(const Value& y_true, const Value& y_pred, const char* who) {
  const bool sparse = y_true.rank() + 1 == y_pred.rank() ||
                      (y_true.rank() == y_pred.rank() && y_true.rank() > 0 &&
                       y_true.shape().back() == 1);
  return same_shape(
      y_true,
      y_pred,
      who,
      sparse ? "use sparse_categorical_crossentropy for class indices, or "
               "to_categorical"
             : "give as many classes as the last layer has units");
}

constexpr const char* kBinaryAdvice =
    "one label per unit of the last layer; use a categorical crossentropy for "
    "classes";

Value last(const Value& x, std::int64_t axis) {
  return x.rank() == 0 ? x : ops::mean(x, {axis});
}

Value clip_probabilities(const Value& p) {
  return ops::clip(p, kEpsilon, 1.0 - kEpsilon);
}

/// -log of the probability of the label y in [0, 1].
Value element_wise_binary(const Value& y, const Value& p, bool from_logits) {
  Value logits = from_logits ? p : logits_of(p, Op::sigmoid, -1);
  if (logits) {
    return y * ops::softplus(-logits) + (1.0 - y) * ops::softplus(logits);
  }
  const Value q = clip_probabilities(p);
  return -(y * ops::log(q) + (1.0 - y) * ops::log(1.0 - q));
}

Value smooth_binary(const Value& y, double smoothing) {
  return smoothing == 0 ? y : y * (1.0 - smoothing) + 0.5 * smoothing;
}

Value smooth_classes(const Value& y, double smoothing) {
  if (smoothing == 0) return y;
  const auto classes = static_cast<double>(y.shape().back());
  return y * (1.0 - smoothing) + smoothing / classes;
}

Value normalized(const Value& p, std::int64_t axis) {
  return clip_probabilities(p / ops::sum(p, {axis}, /*keepdims=*/true));
}

}  // namespace

Value binary_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    bool from_logits,
    double label_smoothing,
    std::int64_t axis) {
  const auto [y, p] =
      same_shape(y_true, y_pred, "binary_crossentropy", kBinaryAdvice);
  return last(
      element_wise_binary(smooth_binary(y, label_smoothing), p, from_logits),
      axis);
}

Value binary_focal_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    bool apply_class_balancing,
    double alpha,
    double gamma,
    bool from_logits,
    double label_smoothing,
    std::int64_t axis) {
  const Pair pair =
      same_shape(y_true, y_pred, "binary_focal_crossentropy", kBinaryAdvice);
  const Value y = smooth_binary(pair.y_true, label_smoothing);
  const Value p = from_logits ? ops::sigmoid(pair.y_pred) : pair.y_pred;
  const Value p_label = y * p + (1.0 - y) * (1.0 - p);
  Value loss = ops::power(1.0 - p_label, gamma) *
               element_wise_binary(y, p, /*from_logits=*/false);
  if (apply_class_balancing) {
    loss = (y * alpha + (1.0 - y) * (1.0 - alpha)) * loss;
  }
  return last(loss, axis);
}

Value categorical_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    bool from_logits,
    double label_smoothing,
    std::int64_t axis) {
  const Pair pair = one_hot_pair(y_true, y_pred, "categorical_crossentropy");
  const Value y = smooth_classes(pair.y_true, label_smoothing);
  const Value& p = pair.y_pred;
  const Value logits = from_logits ? p : logits_of(p, Op::softmax, axis);
  if (logits) {
    if (p.shape().axis(axis) + 1 == p.rank()) {
      return ops::softmax_cross_entropy(logits, y);
    }
    return -ops::sum(y * ops::log_softmax(logits, axis), {axis});
  }
  return -ops::sum(y * ops::log(normalized(p, axis)), {axis});
}

Value categorical_focal_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    double alpha,
    double gamma,
    bool from_logits,
    double label_smoothing,
    std::int64_t axis) {
  const Pair pair =
      one_hot_pair(y_true, y_pred, "categorical_focal_crossentropy");
  const Value y = smooth_classes(pair.y_true, label_smoothing);
  const Value p = normalized(
      from_logits ? ops::softmax(pair.y_pred, axis) : pair.y_pred, axis);
  const Value weight = ops::power(1.0 - p, gamma) * alpha;
  return ops::sum(weight * (-y * ops::log(p)), {axis});
}

Value class_indices(const Value& y_true, const Value& y_pred) {
  Value labels = y_true;
  if (labels.rank() == y_pred.rank() && labels.rank() > 0 &&
      labels.shape().back() == 1) {
    labels = ops::squeeze(labels, {-1});
  }
  Shape expected = y_pred.shape();
  if (!expected.empty()) {
    std::vector<std::int64_t> dims = expected.dims();
    dims.pop_back();
    expected = Shape(std::move(dims));
  }
  if (y_pred.rank() == 0 || labels.shape() != expected) {
    throw InvalidArgument(format(
        "[sparse_categorical_crossentropy] expected class indices of shape {} "
        "for y_pred {}, got {}; {}",
        expected,
        y_pred.shape(),
        y_true.shape(),
        y_true.shape() == y_pred.shape()
            ? "use categorical_crossentropy for one-hot labels"
            : "the targets and the last layer must agree"));
  }
  return is_integer(labels.dtype()) ? labels : ops::cast(labels, DType::i32);
}

Value sparse_categorical_crossentropy(
    const Value& y_true,
    const Value& y_pred,
    bool from_logits,
    std::optional<std::int64_t> ignore_class,
    std::int64_t axis) {
  if (y_pred.rank() > 0 && y_pred.shape().axis(axis) + 1 != y_pred.rank()) {
    throw InvalidArgument(format(
        "[sparse_categorical_crossentropy] expected the classes on the last "
        "axis, got axis {} of y_pred {}; transpose the predictions",
        axis,
        y_pred.shape()));
  }
  Value labels = class_indices(y_true, y_pred);
  Value p = y_pred;
  Value counts;
  if (ignore_class) {
    counts = ops::not_equal(labels, static_cast<double>(*ignore_class));
    labels = ops::where(counts, labels, ops::zeros_like(labels));
    p = ops::where(ops::expand_dims(counts, -1), p, ops::zeros_like(p));
  }
  Value logits = from_logits ? p : logits_of(p, Op::softmax, -1);
  if (!logits) logits = ops::log(clip_probabilities(p));
  const Value loss = ops::sparse_softmax_cross_entropy(logits, labels);
  if (!counts) return loss;
  return ops::where(counts, loss, ops::zeros_like(loss));
}

Value categorical_generalized_cross_entropy(
    const Value& y_true, const Value& y_pred, double q) {
  const Value labels = class_indices(y_true, y_pred);
  const Value y = ops::one_hot(labels, y_pred.shape().back(), y_pred.dtype());
  const Value p = ops::sum(y_pred * y, {-1});
  return (1.0 - ops::power(p, q)) / q;
}

}  // namespace keratin::losses
