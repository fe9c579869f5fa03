#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/metrics/metric.hpp>

/// Keras's metrics. y is y_true, p is y_pred. Averages are over samples, each
/// of which counts as its weight; a mask that travels with p counts as weights.
namespace keratin::metrics {

struct MetricOptions {
  std::string name = {};   // default: Keras's
  std::string dtype = {};  // of variables and arithmetic; default: floatx
};

/// The weighted mean of values (given as y_pred).
KERATIN_API Metric Mean(MetricOptions options = {});

/// The weighted sum of values (given as y_pred).
KERATIN_API Metric Sum(MetricOptions options = {});

/// Averages a function of (y_true, y_pred) -> values.
KERATIN_API Metric
MeanMetricWrapper(Metric::Function function, MetricOptions options = {});

// Averages of the losses of these names.
KERATIN_API Metric MeanSquaredError(MetricOptions options = {});
KERATIN_API Metric MeanAbsoluteError(MetricOptions options = {});
KERATIN_API Metric MeanAbsolutePercentageError(MetricOptions options = {});
KERATIN_API Metric MeanSquaredLogarithmicError(MetricOptions options = {});
KERATIN_API Metric LogCoshError(MetricOptions options = {});
KERATIN_API Metric Hinge(MetricOptions options = {});
KERATIN_API Metric SquaredHinge(MetricOptions options = {});
KERATIN_API Metric CategoricalHinge(MetricOptions options = {});
KERATIN_API Metric KLDivergence(MetricOptions options = {});
KERATIN_API Metric Poisson(MetricOptions options = {});

struct BinaryCrossentropyOptions {
  std::string name = {};
  std::string dtype = {};
  bool from_logits = false;
  double label_smoothing = 0;
};

KERATIN_API Metric BinaryCrossentropy(BinaryCrossentropyOptions options = {});

struct CategoricalCrossentropyOptions {
  std::string name = {};
  std::string dtype = {};
  bool from_logits = false;
  double label_smoothing = 0;
  std::int64_t axis = -1;
};

KERATIN_API Metric
CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});

struct SparseCategoricalCrossentropyOptions {
  std::string name = {};
  std::string dtype = {};
  bool from_logits = false;
  std::optional<std::int64_t> ignore_class = {};
  std::int64_t axis = -1;
};

KERATIN_API Metric SparseCategoricalCrossentropy(
    SparseCategoricalCrossentropyOptions options = {});

struct AxisOptions {
  std::string name = {};
  std::string dtype = {};
  std::int64_t axis = -1;
};

/// The cosine of the angle between y and p: 1 is best (the loss is -1).
KERATIN_API Metric CosineSimilarity(AxisOptions options = {});

/// Pearson's correlation coefficient along the axis.
KERATIN_API Metric PearsonCorrelation(AxisOptions options = {});

/// Lin's concordance correlation coefficient along the axis.
KERATIN_API Metric ConcordanceCorrelation(AxisOptions options = {});

/// The root of the mean of (y - p)^2 over all elements.
KERATIN_API Metric RootMeanSquaredError(MetricOptions options = {});

struct R2ScoreOptions {
  /// "uniform_average", "variance_weighted_average", or empty: one per output.
  std::optional<std::string> class_aggregation = "uniform_average";
  std::int64_t num_regressors = 0;  // > 0: the adjusted score
  std::string name = {};
  std::string dtype = {};
};

/// The coefficient of determination of p: [batch, outputs].
KERATIN_API Metric R2Score(R2ScoreOptions options = {});

}  // namespace keratin::metrics
