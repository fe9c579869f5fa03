#include <doctest/doctest.h>

#include <keratin/error.hpp>
#include <keratin/layer.hpp>
#include <keratin/metrics.hpp>
#include <keratin/ops.hpp>

using namespace keratin;

namespace {

Tensor floats(const std::vector<float>& values, Shape shape) {
  return Tensor(values, std::move(shape));
}

Tensor ints(const std::vector<std::int32_t>& values, Shape shape) {
  return Tensor(values, std::move(shape));
}

}  // namespace

TEST_CASE("Mean averages values over updates, and starts over") {
  Metric mean = metrics::Mean();
  CHECK(mean.result().item<double>() == 0);
  mean.update_state(floats({1, 3}, {2}));
  mean.update_state(floats({8}, {1}));
  CHECK(mean.result().item<double>() == doctest::Approx(4));
  mean.reset_state();
  mean.update_state(floats({5}, {1}));
  CHECK(mean.result().item<double>() == doctest::Approx(5));
}

TEST_CASE("Mean weighs samples") {
  Metric mean = metrics::Mean();
  const Tensor values = floats({1, 3}, {2});
  const Tensor weights = floats({3, 1}, {2});
  mean.update_state(values, values, &weights);
  CHECK(mean.result().item<double>() == doctest::Approx(1.5));
}

TEST_CASE("Accuracy becomes the one that fits the data") {
  const auto name = [](const Shape& y, const Shape& p) {
    return Metric("accuracy").resolve(y, p).impl().class_name();
  };
  CHECK(name({8, 1}, {8, 1}) == "BinaryAccuracy");
  CHECK(name({8}, {8, 10}) == "SparseCategoricalAccuracy");
  CHECK(name({8, 1}, {8, 10}) == "SparseCategoricalAccuracy");
  CHECK(name({8, 10}, {8, 10}) == "CategoricalAccuracy");
  CHECK(Metric("acc").resolve({8}, {8, 10}).name() == "acc");
}

TEST_CASE("Accuracies count hits") {
  Metric sparse = "accuracy";
  const Tensor p = floats({0.1F, 0.9F, 0.8F, 0.2F, 0.3F, 0.7F}, {3, 2});
  sparse.update_state(ints({1, 0, 0}, {3}), p);
  CHECK(sparse.result().item<double>() == doctest::Approx(2.0 / 3));
  CHECK(sparse.name() == "accuracy");

  Metric binary = metrics::BinaryAccuracy({.threshold = 0.75});
  binary.update_state(ints({1, 0, 0}, {3, 1}), floats({0.7F, 0.8F, 0}, {3, 1}));
  CHECK(binary.result().item<double>() == doctest::Approx(1.0 / 3));

  Metric top = metrics::SparseTopKCategoricalAccuracy({.k = 2});
  top.update_state(
      ints({0, 2}, {2}), floats({0.1F, 0.2F, 0.7F, 0.1F, 0.2F, 0.7F}, {2, 3}));
  CHECK(top.result().item<double>() == doctest::Approx(0.5));
}

TEST_CASE("A function is averaged under its name") {
  Metric metric(
      [](const Value& y, const Value& p) { return ops::abs(y - p); }, "gap");
  metric.update_state(floats({1, 2}, {2}), floats({2, 4}, {2}));
  CHECK(metric.result().item<double>() == doctest::Approx(1.5));
  CHECK(metric.name() == "gap");
  CHECK_THROWS_WITH_AS(
      metric.to_config(),
      doctest::Contains("register_metric"),
      InvalidArgument);
}

TEST_CASE("A metric made by name goes by that name") {
  CHECK(Metric("mse").name() == "mse");
  CHECK(Metric("mse").impl().class_name() == "MeanSquaredError");
  CHECK(Metric("AUC").name() == "AUC");
  CHECK(metrics::MeanSquaredError().name() == "mean_squared_error");
  CHECK(Metric("mse").to_config() == Config("mse"));
}

TEST_CASE("Automatic names are numbered as Keras numbers them") {
  clear_session();
  Metric first = metrics::AUC();
  Metric second = metrics::AUC();
  CHECK(first.name() == "auc");
  CHECK(second.name() == "auc_1");
  CHECK(first.name() == "auc");
}

TEST_CASE("Which way is better is known where Keras knows it") {
  CHECK(
      Metric("accuracy").resolve({8}, {8, 2}).impl().higher_is_better() ==
      true);
  CHECK(Metric("mse").impl().higher_is_better() == false);
  CHECK(metrics::AUC().impl().higher_is_better() == true);
  CHECK_FALSE(metrics::Mean().impl().higher_is_better().has_value());
}

TEST_CASE("Precision and recall count at their thresholds") {
  const Tensor y = ints({1, 0, 1, 1}, {4});
  const Tensor p = floats({0.9F, 0.6F, 0.2F, 0.7F}, {4});
  Metric precision = metrics::Precision();
  precision.update_state(y, p);
  CHECK(precision.result().item<double>() == doctest::Approx(2.0 / 3));
  Metric recall = metrics::Recall({.thresholds = {0.1, 0.65}});
  recall.update_state(y, p);
  CHECK(recall.result().at(0) == doctest::Approx(1));
  CHECK(recall.result().at(1) == doctest::Approx(2.0 / 3));
}

TEST_CASE("AUC is 1 for a perfect order and 0.5 for none") {
  const Tensor y = ints({0, 0, 1, 1}, {4});
  Metric perfect = "AUC";
  perfect.update_state(y, floats({0.1F, 0.2F, 0.7F, 0.9F}, {4}));
  CHECK(perfect.result().item<double>() == doctest::Approx(1));
  Metric none = "AUC";
  none.update_state(y, floats({0.5F, 0.5F, 0.5F, 0.5F}, {4}));
  CHECK(none.result().item<double>() == doctest::Approx(0.5));
}

TEST_CASE("Metrics of bad arguments are refused") {
  CHECK_THROWS_WITH_AS(
      Metric("acuracy"),
      doctest::Contains("did you mean \"Accuracy\"?"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      metrics::Precision({.thresholds = {1.5}}),
      doctest::Contains("[0, 1]"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      metrics::AUC({.curve = "ROCK"}),
      doctest::Contains("ROC, PR or PRGAIN"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      metrics::IoU(2, {2}),
      doctest::Contains("target_class_ids in [0, 2)"),
      InvalidArgument);
  CHECK_THROWS_WITH_AS(
      metrics::FBetaScore({.beta = 0}),
      doctest::Contains("beta > 0"),
      InvalidArgument);
}

TEST_CASE("Data that do not fit a metric are refused") {
  Metric metric = metrics::CategoricalAccuracy();
  CHECK_THROWS_WITH_AS(
      metric.update_state(ints({1}, {1}), floats({1, 0}, {1, 2})),
      doctest::Contains("use sparse_categorical_accuracy"),
      InvalidArgument);
  Metric score = metrics::F1Score();
  CHECK_THROWS_WITH_AS(
      score.result(), doctest::Contains("[batch, classes]"), InvalidArgument);
}
