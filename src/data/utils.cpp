#include <algorithm>
#include <cmath>

#include <keratin/error.hpp>
#include <keratin/utils.hpp>

#include "src/core/format.hpp"

namespace keratin::utils {

Tensor to_categorical(
    const Tensor& x, std::optional<std::int64_t> num_classes) {
  constexpr const char* kWho = "to_categorical";
  if (x.dtype() == DType::string) {
    throw InvalidArgument(format(
        "[{}] expected class numbers, got {}{}", kWho, x.dtype(), x.shape()));
  }
  const Tensor whole = x.cast(DType::i64);
  const auto labels = whole.data<std::int64_t>();
  // As in Keras, 0 is "not given".
  std::int64_t classes = num_classes.value_or(0);
  if (classes == 0) {
    if (labels.empty()) {
      throw InvalidArgument(format(
          "[{}] expected num_classes or at least one label, got neither",
          kWho));
    }
    classes = *std::max_element(labels.begin(), labels.end());
    if (classes < INT64_MAX) ++classes;
  }
  std::vector<std::int64_t> dims = x.shape().dims();
  if (dims.size() > 1 && dims.back() == 1) dims.pop_back();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      throw InvalidArgument(format(
          "[{}] expected classes from 0 to {}, got {} at {}",
          kWho,
          classes - 1,
          labels[i],
          i));
    }
  }
  dims.push_back(std::max<std::int64_t>(classes, 0));
  Tensor out(DType::f64, Shape(dims));
  auto values = out.mutable_data<double>();
  for (std::size_t i = 0; i < labels.size(); ++i) {
    values
        [i * static_cast<std::size_t>(classes) +
         static_cast<std::size_t>(labels[i])] = 1.0;
  }
  return out;
}

Tensor normalize(const Tensor& x, std::int64_t axis, double order) {
  if (x.dtype() == DType::string) {
    throw InvalidArgument(
        format("[normalize] expected numbers, got {}{}", x.dtype(), x.shape()));
  }
  if (!(order > 0)) {
    throw InvalidArgument(
        format("[normalize] expected order > 0, got {}", order));
  }
  const std::size_t at = x.shape().axis(axis, "normalize");
  const auto length = static_cast<std::size_t>(x.shape()[at]);
  std::size_t inner = 1;
  for (std::size_t i = at + 1; i < x.rank(); ++i) {
    inner *= static_cast<std::size_t>(x.shape()[i]);
  }
  Tensor out = x.cast(DType::f64);
  auto values = out.mutable_data<double>();
  const std::size_t block = length * inner;
  for (std::size_t start = 0; block > 0 && start < values.size();
       start += block) {
    for (std::size_t column = start; column < start + inner; ++column) {
      double norm = 0;
      for (std::size_t i = 0; i < length; ++i) {
        const double size = std::abs(values[column + i * inner]);
        if (std::isinf(order)) {
          norm = std::max(norm, size);
        } else if (order == 2) {
          norm += size * size;
        } else {
          norm += std::pow(size, order);
        }
      }
      if (order == 2) {
        norm = std::sqrt(norm);
      } else if (!std::isinf(order)) {
        norm = std::pow(norm, 1 / order);
      }
      if (norm == 0) norm = 1;
      for (std::size_t i = 0; i < length; ++i) {
        values[column + i * inner] /= norm;
      }
    }
  }
  return out.cast(is_floating(x.dtype()) ? x.dtype() : DType::f64);
}

}  // namespace keratin::utils
