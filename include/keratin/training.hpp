#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/call_context.hpp>
#include <keratin/export.hpp>
#include <keratin/losses.hpp>
#include <keratin/metrics.hpp>
#include <keratin/optimizers.hpp>
#include <keratin/tensor_set.hpp>
#include <keratin/value.hpp>

namespace keratin {

class Callback;
class ModelImpl;

namespace data {
class Dataset;
}

/// A setting for every output: one for all, one for each in order, or by name.
template <class T>
class PerOutput {
 public:
  using Named = std::pair<std::string, T>;

  PerOutput() = default;

  // NOLINTBEGIN(google-explicit-constructor): a setting reads as a set of one
  // NOLINTBEGIN(bugprone-forwarding-reference-overload): it is constrained
  template <class U>

  requires std::convertible_to<U, T> PerOutput(U&& single)
      : list_{T(std::forward<U>(single))}, single_(true) {}

  // NOLINTEND(bugprone-forwarding-reference-overload)

  PerOutput(std::initializer_list<T> list) : list_(list) {}

  PerOutput(std::vector<T> list) : list_(std::move(list)) {}

  PerOutput(std::initializer_list<Named> named)
      : PerOutput(std::vector<Named>(named)) {}

  PerOutput(std::vector<Named> named) {
    for (Named& item : named) {
      names_.push_back(std::move(item.first));
      list_.push_back(std::move(item.second));
    }
  }

  // NOLINTEND(google-explicit-constructor)

  bool empty() const { return list_.empty(); }

  bool single() const { return single_; }

  const std::vector<T>& list() const { return list_; }

  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<T> list_;
  std::vector<std::string> names_;
  bool single_ = false;
};

/// Metrics of one output, or of each output (in order or by name).
class KERATIN_API MetricSet {
 public:
  using List = std::vector<Metric>;
  using Named = std::pair<std::string, List>;

  MetricSet() = default;

  // NOLINTBEGIN(google-explicit-constructor): {"accuracy"} reads as a set
  MetricSet(std::initializer_list<Metric> metrics) : lists_{List(metrics)} {}

  MetricSet(List metrics) : lists_{std::move(metrics)} {}

  MetricSet(std::vector<List> per_output)
      : lists_(std::move(per_output)), flat_(false) {}

  MetricSet(std::vector<Named> named);

  MetricSet(std::initializer_list<Named> named)
      : MetricSet(std::vector<Named>(named)) {}

  // NOLINTEND(google-explicit-constructor)

  bool empty() const { return lists_.empty(); }

  /// One list given without saying for which output.
  bool flat() const { return flat_; }

  const std::vector<List>& lists() const { return lists_; }

  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<List> lists_;
  std::vector<std::string> names_;
  bool flat_ = true;
};

/// Keras's Model.compile.
struct CompileArguments {
  Optimizer optimizer = "rmsprop";
  PerOutput<Loss> loss = {};
  PerOutput<double> loss_weights = {};
  MetricSet metrics = {};
  MetricSet weighted_metrics = {};

  /// Runs on the reference backend with every check on (NaN, verifier).
  bool run_eagerly = false;

  /// Batches between two calls of the batch callbacks.
  std::int64_t steps_per_execution = 1;

  /// Wraps the optimizer of a model whose policy is "mixed_float16" in a
  /// LossScaleOptimizer.
  bool auto_scale_loss = true;
};

/// Arrays, or a dataset whose elements are batches.
struct KERATIN_API ValidationData {
  ValidationData(TensorSet inputs, TensorSet targets, TensorSet weights = {})
      : x(std::move(inputs)),
        y(std::move(targets)),
        sample_weight(std::move(weights)) {}

  // NOLINTNEXTLINE(google-explicit-constructor): a dataset is validation data
  ValidationData(const data::Dataset& batches);

  TensorSet x;
  TensorSet y;
  TensorSet sample_weight;
  std::shared_ptr<const data::Dataset> dataset = nullptr;
};

/// Keras's Model.fit. With a Dataset batch_size, validation_batch_size and
/// shuffle have no say, as in Keras: its elements are the batches, in the order
/// it makes them; sample_weight and validation_split are refused.
struct FitArguments {
  std::int64_t batch_size = 32;
  std::int64_t epochs = 1;

  /// 0: silent, 1: progress bar, 2: one line per epoch. Empty: 1 on a
  /// terminal, else 2.
  std::optional<int> verbose = {};
  std::vector<std::shared_ptr<Callback>> callbacks = {};
  double validation_split = 0;
  std::optional<ValidationData> validation_data = {};
  bool shuffle = true;
  std::map<std::int64_t, double> class_weight = {};
  TensorSet sample_weight = {};
  std::int64_t initial_epoch = 0;
  std::optional<std::int64_t> steps_per_epoch = {};
  std::optional<std::int64_t> validation_steps = {};
  std::optional<std::int64_t> validation_batch_size = {};
  std::int64_t validation_freq = 1;
};

struct EvaluateArguments {
  std::int64_t batch_size = 32;
  std::optional<int> verbose = {};  // as in FitArguments
  TensorSet sample_weight = {};
  std::optional<std::int64_t> steps = {};
  std::vector<std::shared_ptr<Callback>> callbacks = {};
};

struct PredictArguments {
  std::int64_t batch_size = 32;
  int verbose = 0;
  std::optional<std::int64_t> steps = {};
  std::vector<std::shared_ptr<Callback>> callbacks = {};
};

/// Names and values, in order: what a step or an epoch reports.
class KERATIN_API Logs {
 public:
  using Entry = std::pair<std::string, double>;

  /// Computes the entries when they are first looked at.
  using Source = std::function<std::vector<Entry>()>;

  Logs() = default;

  explicit Logs(Source source) : source_(std::move(source)) {}

  Logs(std::initializer_list<Entry> entries) : entries_(entries) {}

  const std::vector<Entry>& entries() const;

  /// The value, or empty.
  std::optional<double> find(const std::string& name) const;

  /// The value; throws InvalidArgument listing the names there are.
  double at(const std::string& name) const;

  void set(const std::string& name, double value);

 private:
  void fetch() const;

  mutable Source source_;
  mutable std::vector<Entry> entries_;
};

/// What fit returns: one value per epoch of everything that was logged.
struct KERATIN_API History {
  std::vector<std::int64_t> epoch;
  std::vector<std::pair<std::string, std::vector<double>>> history;

  /// The values of one name; throws InvalidArgument listing the names.
  const std::vector<double>& operator[](const std::string& name) const;

  bool contains(const std::string& name) const;
};

/// The values of one batch in a step's graph. y is empty or one per output;
/// sample_weight, too, or one for all. An output without has an empty Value.
struct StepData {
  std::vector<Value> x;
  std::vector<Value> y;
  std::vector<Value> sample_weight;
};

/// The context of a training, test or predict step.
class KERATIN_API StepContext final : public CallContext {
 public:
  StepContext(Graph& graph, ModelImpl& model, bool training)
      : CallContext(graph, training), model_(model) {}

  ModelImpl& model() { return model_; }

  /// Derivatives of a scalar by variables, as they stood before the step.
  std::vector<Value> gradients(
      const Value& loss, const std::vector<Variable>& variables);

  /// Adds a batch to a running metric.
  void update(
      Metric& metric,
      const Value& y_true,
      const Value& y_pred,
      const Value& sample_weight = {});

  /// Adds values to the running mean logged under `name`; `weight` counts as
  /// that many values.
  void track(const std::string& name, const Value& value, double weight = 1);

 private:
  ModelImpl& model_;
};

}  // namespace keratin
