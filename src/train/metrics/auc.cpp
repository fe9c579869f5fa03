// Area under a curve, as keras/src/metrics/confusion_metrics.py.

#include <algorithm>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/metrics/confusion.hpp>
#include <keratin/ops.hpp>

#include "losses/functions.hpp"
#include "src/core/format.hpp"
#include "src/train/metrics/confusion.hpp"
#include "src/train/metrics/mean_metric.hpp"
#include "src/train/metrics/registry.hpp"

namespace keratin::metrics {

namespace {

/// All but the last, and all but the first, of the thresholds' figures.
Value front(const Value& x) {
  return ops::slice_axis(x, 0, 0, x.shape()[0] - 1);
}

Value back(const Value& x) {
  return ops::slice_axis(x, 0, 1, x.shape()[0]);
}

class AUCImpl final : public MetricImpl {
 public:
  explicit AUCImpl(AUCOptions o = {})
      : MetricImpl(o.name, o.dtype), o_(std::move(o)) {
    if (o_.thresholds) {
      thresholds_ = *o_.thresholds;
      thresholds_given_ = true;
    }
    if (o_.label_weights) {
      label_weights_ = Config::array();
      for (const double weight : *o_.label_weights) {
        label_weights_.push_back(weight);
      }
    }
    check("AUC");
  }

  std::string class_name() const override { return "AUC"; }

  std::string module() const override { return "keras.metrics"; }

  std::optional<bool> higher_is_better() const override { return true; }

  void fields(FieldVisitor& visit) override {
    MetricImpl::fields(visit);
    visit("num_thresholds", o_.num_thresholds);
    visit(
        "curve",
        o_.curve,
        {.choices = {"ROC", "PR", "PRGAIN", "roc", "pr", "prgain"}});
    visit(
        "summation_method",
        o_.summation_method,
        {.choices = {
             "interpolation",
             "minoring",
             "majoring",
             "Interpolation",
             "Minoring",
             "Majoring"}});
    visit("multi_label", o_.multi_label);
    visit("num_labels", o_.num_labels, {.minimum = 1});
    visit("label_weights", label_weights_);
    visit("from_logits", o_.from_logits);
    visit("thresholds", thresholds_);
  }

  Config get_config() const override {
    Config config = MetricImpl::get_config();
    if (!thresholds_given_) config.erase("thresholds");
    return config;
  }

  void from_config(const Config& config, const std::string& where) override {
    Config current = config;
    if (const Config* given = current.find("thresholds");
        given != nullptr && given->is_null()) {
      current.erase("thresholds");
    }
    MetricImpl::from_config(current, where);
    thresholds_given_ = current.contains("thresholds");
    check(where);
  }

  void build(const Shape& y_true, const Shape& y_pred) override {
    (void)y_true;
    Shape shape = {o_.num_thresholds};
    if (o_.multi_label) {
      if (y_pred.rank() != 2 && !o_.num_labels) {
        throw InvalidArgument(format(
            "[{}] expected y_pred [batch, labels] with multi_label, got {}",
            name(),
            y_pred));
      }
      shape.push_back(o_.num_labels ? *o_.num_labels : y_pred[1]);
    }
    counts_.true_positives = add_variable("true_positives", shape);
    counts_.false_positives = add_variable("false_positives", shape);
    counts_.true_negatives = add_variable("true_negatives", shape);
    counts_.false_negatives = add_variable("false_negatives", shape);
  }

  void update_state(
      CallContext& ctx,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight) override {
    ensure_built(y_true.shape(), y_pred.shape());
    const Value p =
        o_.from_logits ? ops::sigmoid(as_floating(y_pred, dtype())) : y_pred;
    ConfusionOptions options;
    options.thresholds = all_thresholds();
    options.multi_label = o_.multi_label;
    if (!o_.multi_label) options.label_weights = label_weights();
    counts_.add(
        ctx,
        count_confusion(name(), y_true, p, sample_weight, dtype(), options));
  }

  Value result(CallContext& ctx) const override {
    const Value tp = ctx.read_uncast(counts_.true_positives);
    const Value fp = ctx.read_uncast(counts_.false_positives);
    const Value tn = ctx.read_uncast(counts_.true_negatives);
    const Value fn = ctx.read_uncast(counts_.false_negatives);
    const bool interpolates = method() == 'i';
    if (curve() == "PR" && interpolates) {
      return average(interpolated_precision(tp, fp, fn));
    }
    using losses::divide_no_nan;
    Value x = divide_no_nan(fp, fp + tn);
    Value y = divide_no_nan(tp, tp + fn);
    if (curve() == "PR") {
      x = y;
      y = divide_no_nan(tp, tp + fp);
    } else if (curve() == "PRGAIN") {
      const Value scale = divide_no_nan(tp + fn, tn + fp);
      const Value none = ops::equal(tp, 0.0);
      x = ops::maximum(
          ops::where(
              none, ops::zeros_like(tp), 1.0 - scale * divide_no_nan(fn, tp)),
          0.0);
      y = ops::where(
          none, ops::ones_like(tp), 1.0 - scale * divide_no_nan(fp, tp));
    }
    Value height = (front(y) + back(y)) / 2.0;
    if (method() == 'm') height = ops::minimum(front(y), back(y));
    if (method() == 'M') height = ops::maximum(front(y), back(y));
    return average((front(x) - back(x)) * height);
  }

 private:
  void check(const std::string& where) {
    if (thresholds_given_) {
      std::sort(thresholds_.begin(), thresholds_.end());
      o_.num_thresholds = static_cast<std::int64_t>(thresholds_.size()) + 2;
    }
    if (o_.num_thresholds < 2) {
      throw InvalidArgument(format(
          "[{}] expected num_thresholds > 1, got {}",
          where,
          o_.num_thresholds));
    }
    std::transform(o_.curve.begin(), o_.curve.end(), o_.curve.begin(), upper);
    if (o_.curve != "ROC" && o_.curve != "PR" && o_.curve != "PRGAIN") {
      throw InvalidArgument(format(
          "[{}] expected a curve of ROC, PR or PRGAIN, got '{}'",
          where,
          o_.curve));
    }
    std::string& method = o_.summation_method;
    if (!method.empty() && method[0] >= 'A' && method[0] <= 'Z') {
      method[0] = static_cast<char>(method[0] - 'A' + 'a');
    }
    if (method != "interpolation" && method != "minoring" &&
        method != "majoring") {
      throw InvalidArgument(format(
          "[{}] expected a summation_method of interpolation, minoring or "
          "majoring, got '{}'",
          where,
          method));
    }
    if (!o_.multi_label && o_.num_labels) {
      throw InvalidArgument(
          format("[{}] num_labels is for multi_label=true only", where));
    }
    label_weights();  // throws unless numbers
  }

  static char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }

  const std::string& curve() const { return o_.curve; }

  /// 'i'nterpolation, 'm'inoring or 'M'ajoring.
  char method() const {
    if (o_.summation_method == "majoring") return 'M';
    return o_.summation_method[0];
  }

  std::vector<double> label_weights() const {
    std::vector<double> out;
    if (label_weights_.is_null()) return out;
    for (const Config& weight : label_weights_.as_array()) {
      out.push_back(weight.as_number());
    }
    return out;
  }

  /// With one just below 0 and one just above 1.
  std::vector<double> all_thresholds() const {
    std::vector<double> out = {0 - losses::kEpsilon};
    if (thresholds_given_) {
      out.insert(out.end(), thresholds_.begin(), thresholds_.end());
    } else {
      for (std::int64_t i = 1; i + 1 < o_.num_thresholds; ++i) {
        out.push_back(
            static_cast<double>(i) /
            static_cast<double>(o_.num_thresholds - 1));
      }
    }
    out.push_back(1 + losses::kEpsilon);
    return out;
  }

  /// Davis and Goadrich's interpolation: precision is not linear in recall.
  static Value interpolated_precision(
      const Value& tp, const Value& fp, const Value& fn) {
    using losses::divide_no_nan;
    const Value dtp = front(tp) - back(tp);
    const Value p = tp + fp;
    const Value dp = front(p) - back(p);
    const Value slope = divide_no_nan(dtp, ops::maximum(dp, 0.0));
    const Value intercept = back(tp) - slope * back(p);
    const Value ratio = ops::where(
        ops::logical_and(
            ops::greater(front(p), 0.0), ops::greater(back(p), 0.0)),
        divide_no_nan(front(p), ops::maximum(back(p), 0.0)),
        ops::ones_like(back(p)));
    return divide_no_nan(
        slope * (dtp + intercept * ops::log(ratio)),
        ops::maximum(back(tp) + back(fn), 0.0));
  }

  /// The sum over thresholds, averaged over labels.
  Value average(const Value& pieces) const {
    if (!o_.multi_label) return ops::sum(pieces);
    const Value by_label = ops::sum(pieces, {0});
    const std::vector<double> weights = label_weights();
    if (weights.empty()) return ops::mean(by_label);
    const Value w =
        ops::constant(pieces.graph(), Tensor(weights).cast(pieces.dtype()));
    return losses::divide_no_nan(ops::sum(by_label * w), ops::sum(w));
  }

  AUCOptions o_;  // thresholds and label_weights are below
  Config label_weights_;
  std::vector<double> thresholds_;
  bool thresholds_given_ = false;
  ConfusionCounts counts_;
};

}  // namespace

Metric AUC(AUCOptions options) {
  return make_metric<AUCImpl>(std::move(options));
}

std::shared_ptr<MetricImpl> make_auc() {
  return make_default<AUCImpl>();
}

}  // namespace keratin::metrics
