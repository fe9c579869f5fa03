#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/metrics/metric.hpp>

namespace keratin::metrics {

struct AccuracyOptions {
  std::string name = {};
  std::string dtype = {};
};

/// How often y equals p.
KERATIN_API Metric Accuracy(AccuracyOptions options = {});

struct BinaryAccuracyOptions {
  std::string name = {};
  std::string dtype = {};
  double threshold = 0.5;
};

/// How often p > threshold says what y (0 or 1) says.
KERATIN_API Metric BinaryAccuracy(BinaryAccuracyOptions options = {});

/// How often the largest of p is the largest of y (one-hot).
KERATIN_API Metric CategoricalAccuracy(AccuracyOptions options = {});

/// How often the largest of p is the class y.
KERATIN_API Metric SparseCategoricalAccuracy(AccuracyOptions options = {});

struct TopKCategoricalAccuracyOptions {
  std::int64_t k = 5;
  std::string name = {};
  std::string dtype = {};
};

/// How often the class of y (one-hot) is among the k largest of p.
KERATIN_API Metric
TopKCategoricalAccuracy(TopKCategoricalAccuracyOptions options = {});

struct SparseTopKCategoricalAccuracyOptions {
  std::int64_t k = 5;
  std::string name = {};
  std::string dtype = {};
  bool from_sorted_ids = false;  // p holds classes, the likeliest first
};

/// How often the class y is among the k largest of p.
KERATIN_API Metric SparseTopKCategoricalAccuracy(
    SparseTopKCategoricalAccuracyOptions options = {});

}  // namespace keratin::metrics
