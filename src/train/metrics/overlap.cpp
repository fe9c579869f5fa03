// F scores and intersection over union.

#include <algorithm>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/metrics/overlap.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "src/core/format.hpp"
#include "src/train/metrics/mean_metric.hpp"
#include "src/train/metrics/registry.hpp"

namespace keratin::metrics {

namespace {

class FBetaImpl final : public MetricImpl {
 public:
  FBetaImpl(bool with_beta, FBetaScoreOptions o = {})
      : MetricImpl(
            or_default(o.name, with_beta ? "fbeta_score" : "f1_score"),
            o.dtype),
        with_beta_(with_beta),
        average_(std::move(o.average)),
        beta_(o.beta),
        threshold_(o.threshold) {
    check(class_name());
  }

  std::string class_name() const override {
    return with_beta_ ? "FBetaScore" : "F1Score";
  }

  std::string module() const override { return "keras.metrics"; }

  std::optional<bool> higher_is_better() const override { return true; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("average", average_, {.choices = {"micro", "macro", "weighted"}});
    if (with_beta_) visit("beta", beta_);
    visit("threshold", threshold_);
  }

  void from_config(const Config& config, const std::string& where) override {
    MetricImpl::from_config(config, where);
    check(where);
  }

  void build(const Shape& y_true, const Shape& y_pred) override {
    if (y_true.rank() != 2 || y_pred.rank() != 2) {
      throw InvalidArgument(format(
          "[{}] expected y_true and y_pred of shape [batch, classes], got {} "
          "and {}",
          name(),
          y_true,
          y_pred));
    }
    const Shape shape = micro() ? Shape{} : Shape{y_pred[1]};
    hits_ = add_variable("true_positives", shape);
    made_up_ = add_variable("false_positives", shape);
    missed_ = add_variable("false_negatives", shape);
    weights_ = add_variable("intermediate_weights", shape);
  }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    ensure_built(y_true.shape(), y_pred.shape());
    const Value y = ops::cast(y_true, dtype());
    Value p = ops::cast(y_pred, dtype());
    if (threshold_) {
      p = ops::greater(p, *threshold_);
    } else {
      const Value largest = ops::max(p, {-1}, /*keepdims=*/true);
      p = ops::logical_and(
          ops::greater_equal(p, largest), ops::greater(ops::abs(p), 1e-9));
    }
    p = ops::cast(p, dtype());
    const ops::Axes axes = micro() ? ops::Axes{} : ops::Axes{0};
    const auto grow = [&](const Variable& variable, Value x) {
      if (sample_weight) {
        Value w = ops::cast(sample_weight, dtype());
        if (w.rank() == 1) w = ops::expand_dims(w, 1);
        x = x * w;
      }
      ctx.assign(variable, ctx.read_uncast(variable) + ops::sum(x, axes));
    };
    grow(hits_, p * y);
    grow(made_up_, p * (1.0 - y));
    grow(missed_, (1.0 - p) * y);
    grow(weights_, y);
  }

  Value result(CallContext& ctx) const override {
    const Value hits = ctx.read_uncast(hits_);
    const Value precision =
        hits / (hits + ctx.read_uncast(made_up_) + losses::kEpsilon);
    const Value recall =
        hits / (hits + ctx.read_uncast(missed_) + losses::kEpsilon);
    const double square = beta_ * beta_;
    const Value score = precision * recall /
                        (square * precision + recall + losses::kEpsilon) *
                        (1 + square);
    if (!average_) return score;
    if (*average_ != "weighted") return ops::mean(score);
    const Value w = ctx.read_uncast(weights_);
    return ops::sum(score * (w / (ops::sum(w) + losses::kEpsilon)));
  }

 private:
  bool micro() const { return average_ == "micro"; }

  void check(const std::string& where) const {
    if (average_ && *average_ != "micro" && *average_ != "macro" &&
        *average_ != "weighted") {
      throw InvalidArgument(format(
          "[{}] expected an average of micro, macro or weighted, or none, got "
          "'{}'",
          where,
          *average_));
    }
    if (!(beta_ > 0)) {
      throw InvalidArgument(
          format("[{}] expected beta > 0, got {}", where, beta_));
    }
    if (threshold_ && !(*threshold_ > 0 && *threshold_ <= 1)) {
      throw InvalidArgument(format(
          "[{}] expected a threshold in (0, 1], got {}", where, *threshold_));
    }
  }

  bool with_beta_;
  std::optional<std::string> average_;
  double beta_;
  std::optional<double> threshold_;
  Variable hits_;
  Variable made_up_;
  Variable missed_;
  Variable weights_;
};

/// The sum of a short row from first to last, each step rounded, as Keras's
/// float32 sums are: backends may add in another order or with more digits.
Value sum_in_order(const Value& x) {
  constexpr std::int64_t kShort = 32;
  const std::int64_t count = x.shape()[0];
  if (count == 0 || count > kShort) return ops::sum(x);
  Value total = ops::slice_axis(x, 0, 0, 1);
  for (std::int64_t i = 1; i < count; ++i) {
    total = total + ops::slice_axis(x, 0, i, i + 1);
  }
  return ops::squeeze(total, {0});
}

enum class IoUKind { iou, binary, mean, one_hot, one_hot_mean };

const char* class_of(IoUKind kind) {
  switch (kind) {
    case IoUKind::iou:
      return "IoU";
    case IoUKind::binary:
      return "BinaryIoU";
    case IoUKind::mean:
      return "MeanIoU";
    case IoUKind::one_hot:
      return "OneHotIoU";
    case IoUKind::one_hot_mean:
      return "OneHotMeanIoU";
  }
  return "";
}

struct IoUArguments {
  std::int64_t num_classes = 2;
  std::vector<std::int64_t> target_class_ids = {};  // empty: all
  IoUOptions options = {};
  double threshold = 0.5;  // of the binary one
};

/// The five of Keras, which differ in what they take.
class IoUImpl final : public MetricImpl {
 public:
  explicit IoUImpl(IoUKind kind, IoUArguments a = {})
      : MetricImpl(a.options.name, a.options.dtype),
        kind_(kind),
        a_(std::move(a)) {
    if (one_hot()) {
      a_.options.sparse_y_true = false;
    }
    check(class_of(kind));
  }

  std::string class_name() const override { return class_of(kind_); }

  std::string module() const override { return "keras.metrics"; }

  std::optional<bool> higher_is_better() const override { return true; }

  /// Keras's order, which is another for each.
  void fields(FieldVisitor& visit) override {
    const FieldSpec required = {.required = true};
    const FieldSpec classes = {.required = true, .minimum = 1};
    if (kind_ == IoUKind::binary) {
      visit("target_class_ids", a_.target_class_ids);
      visit("threshold", a_.threshold);
      MetricImpl::fields(visit);
      return;
    }
    if (kind_ == IoUKind::iou) MetricImpl::fields(visit);
    visit("num_classes", a_.num_classes, classes);
    if (!all_classes())
      visit("target_class_ids", a_.target_class_ids, required);
    if (kind_ != IoUKind::iou) MetricImpl::fields(visit);
    visit("ignore_class", a_.options.ignore_class);
    if (!one_hot()) visit("sparse_y_true", a_.options.sparse_y_true);
    visit("sparse_y_pred", a_.options.sparse_y_pred);
    visit("axis", a_.options.axis);
  }

  void from_config(const Config& config, const std::string& where) override {
    MetricImpl::from_config(config, where);
    check(where);
  }

  void build(const Shape& y_true, const Shape& y_pred) override {
    (void)y_true;
    (void)y_pred;
    matrix_ = add_variable(
        "total_confusion_matrix", {a_.num_classes, a_.num_classes});
  }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    ensure_built(y_true.shape(), y_pred.shape());
    const Value y = classes(y_true, a_.options.sparse_y_true);
    Value scores = y_pred;
    if (kind_ == IoUKind::binary) {
      scores = ops::greater_equal(ops::cast(y_pred, DType::f32), a_.threshold);
    }
    const Value p = classes(scores, a_.options.sparse_y_pred);
    if (y.shape() != p.shape()) {
      throw InvalidArgument(format(
          "[{}] expected as many labels as predictions, got {} and {}",
          name(),
          y_true.shape(),
          y_pred.shape()));
    }
    Value w = ops::full(y.graph(), y.shape(), 1, dtype());
    if (sample_weight) {
      w = ops::cast(sample_weight, dtype());
      if (w.rank() > 1) w = ops::reshape(w, {w.shape().size()});
      w = ops::broadcast_to(w, y.shape());
    }
    const auto count = static_cast<double>(a_.num_classes);
    const auto in_range = [count](const Value& x) {
      return ops::logical_and(ops::greater_equal(x, 0.0), ops::less(x, count));
    };
    Value counts = ops::logical_and(in_range(y), in_range(p));
    if (a_.options.ignore_class) {
      counts = ops::logical_and(
          counts,
          ops::not_equal(y, static_cast<double>(*a_.options.ignore_class)));
    }
    // Index -1 adds to no cell.
    const Value at = y * count + p;
    const Value cells = ops::scatter_add(
        ops::where(counts, at, ops::full_like(at, -1)),
        w,
        {a_.num_classes * a_.num_classes},
        0);
    ctx.assign(
        matrix_,
        ctx.read_uncast(matrix_) +
            ops::reshape(cells, {a_.num_classes, a_.num_classes}));
  }

  /// Computed in float32, as in Keras.
  Value result(CallContext& ctx) const override {
    const Value matrix = ctx.read_uncast(matrix_);
    Graph& graph = matrix.graph();
    const Shape& square = matrix.shape();
    const Value diagonal = ops::equal(
        ops::iota(graph, square, 0, DType::i32),
        ops::iota(graph, square, 1, DType::i32));
    const Value hits =
        ops::sum(ops::where(diagonal, matrix, ops::zeros_like(matrix)), {1});
    const Value all = ops::sum(matrix, {0}) + ops::sum(matrix, {1}) - hits;
    std::vector<std::int32_t> ids;
    for (const std::int64_t id : targets()) {
      ids.push_back(static_cast<std::int32_t>(id));
    }
    const Value at = ops::constant(graph, Tensor(ids));
    const Value h = ops::cast(ops::take(hits, at), DType::f32);
    const Value n = ops::cast(ops::take(all, at), DType::f32);
    const Value valid = ops::greater(n, 1e-9);
    const Value iou =
        ops::where(valid, h / (n + losses::kEpsilon), ops::zeros_like(h));
    return sum_in_order(iou) /
           (ops::sum(ops::cast(valid, DType::f32)) + losses::kEpsilon);
  }

 protected:
  DType default_dtype() const override { return DType::i64; }

 private:
  bool one_hot() const {
    return kind_ == IoUKind::one_hot || kind_ == IoUKind::one_hot_mean;
  }

  bool all_classes() const {
    return kind_ == IoUKind::mean || kind_ == IoUKind::one_hot_mean;
  }

  std::vector<std::int64_t> targets() const {
    if (!all_classes()) return a_.target_class_ids;
    std::vector<std::int64_t> ids;
    for (std::int64_t id = 0; id < a_.num_classes; ++id) ids.push_back(id);
    return ids;
  }

  void check(const std::string& where) const {
    for (const std::int64_t id : targets()) {
      if (id >= 0 && id < a_.num_classes) continue;
      throw InvalidArgument(format(
          "[{}] expected target_class_ids in [0, {}), got {}",
          where,
          a_.num_classes,
          id));
    }
  }

  /// Class indices in a row.
  Value classes(const Value& x, bool sparse) const {
    const Value indices =
        ops::cast(sparse ? x : ops::argmax(x, a_.options.axis), dtype());
    return ops::reshape(indices, {indices.shape().size()});
  }

  IoUKind kind_;
  IoUArguments a_;
  Variable matrix_;
};

IoUOptions one_hot_options(OneHotIoUOptions o) {
  IoUOptions out;
  out.name = std::move(o.name);
  out.dtype = std::move(o.dtype);
  out.ignore_class = o.ignore_class;
  out.sparse_y_true = false;
  out.sparse_y_pred = o.sparse_y_pred;
  out.axis = o.axis;
  return out;
}

}  // namespace

Metric FBetaScore(FBetaScoreOptions options) {
  return make_metric<FBetaImpl>(true, std::move(options));
}

Metric F1Score(F1ScoreOptions options) {
  FBetaScoreOptions all;
  all.average = std::move(options.average);
  all.threshold = options.threshold;
  all.name = std::move(options.name);
  all.dtype = std::move(options.dtype);
  return make_metric<FBetaImpl>(false, std::move(all));
}

Metric IoU(
    std::int64_t num_classes,
    std::vector<std::int64_t> target_class_ids,
    IoUOptions options) {
  return make_metric<IoUImpl>(
      IoUKind::iou,
      IoUArguments{
          num_classes, std::move(target_class_ids), std::move(options)});
}

Metric BinaryIoU(BinaryIoUOptions options) {
  IoUOptions shared;
  shared.name = std::move(options.name);
  shared.dtype = std::move(options.dtype);
  return make_metric<IoUImpl>(
      IoUKind::binary,
      IoUArguments{
          2,
          std::move(options.target_class_ids),
          std::move(shared),
          options.threshold});
}

Metric MeanIoU(std::int64_t num_classes, IoUOptions options) {
  return make_metric<IoUImpl>(
      IoUKind::mean, IoUArguments{num_classes, {}, std::move(options)});
}

Metric OneHotIoU(
    std::int64_t num_classes,
    std::vector<std::int64_t> target_class_ids,
    OneHotIoUOptions options) {
  return make_metric<IoUImpl>(
      IoUKind::one_hot,
      IoUArguments{
          num_classes,
          std::move(target_class_ids),
          one_hot_options(std::move(options))});
}

Metric OneHotMeanIoU(std::int64_t num_classes, OneHotIoUOptions options) {
  return make_metric<IoUImpl>(
      IoUKind::one_hot_mean,
      IoUArguments{num_classes, {}, one_hot_options(std::move(options))});
}

std::shared_ptr<MetricImpl> make_fbeta_score() {
  return std::make_shared<FBetaImpl>(true);
}

std::shared_ptr<MetricImpl> make_f1_score() {
  return std::make_shared<FBetaImpl>(false);
}

std::shared_ptr<MetricImpl> make_iou() {
  return std::make_shared<IoUImpl>(IoUKind::iou);
}

std::shared_ptr<MetricImpl> make_binary_iou() {
  return std::make_shared<IoUImpl>(
      IoUKind::binary, IoUArguments{2, {0, 1}, {}, 0.5});
}

std::shared_ptr<MetricImpl> make_mean_iou() {
  return std::make_shared<IoUImpl>(IoUKind::mean);
}

std::shared_ptr<MetricImpl> make_one_hot_iou() {
  return std::make_shared<IoUImpl>(
      IoUKind::one_hot, IoUArguments{2, {}, one_hot_options({}), 0.5});
}

std::shared_ptr<MetricImpl> make_one_hot_mean_iou() {
  return std::make_shared<IoUImpl>(
      IoUKind::one_hot_mean, IoUArguments{2, {}, one_hot_options({}), 0.5});
}

}  // namespace keratin::metrics
