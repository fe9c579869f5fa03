#pragma once

#include <map>
#include <memory>
#include <string>

#include <keratin/metrics/metric.hpp>
#include <keratin/tensor.hpp>

#include "src/runtime/program.hpp"

namespace keratin {

/// Updates and results of a metric by itself: small programs, kept by the types
/// of the arrays.
struct MetricImpl::Standalone {
  void update(
      MetricImpl& metric,
      const Tensor& y_true,
      const Tensor& y_pred,
      const Tensor* sample_weight);
  Tensor result(const MetricImpl& metric);

 private:
  std::shared_ptr<ProgramGroup> group_ = std::make_shared<ProgramGroup>();
  std::map<std::string, std::unique_ptr<Program>> updates_;
  std::unique_ptr<Program> result_;
};

}  // namespace keratin
