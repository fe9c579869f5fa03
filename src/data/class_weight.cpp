#include <keratin/data/split.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::data {
namespace {

/// The class of each row of one-hot rows, or the numbers as they are.
std::vector<std::int64_t> classes_of(const Tensor& y) {
  const Shape& shape = y.shape();
  const auto fail = [&](const std::string& what) {
    throw InvalidArgument(format("[balanced_class_weight] {}", what));
  };
  const bool numbers =
      shape.rank() == 1 || (shape.rank() == 2 && shape[1] == 1);
  if (y.dtype() == DType::string || (!numbers && shape.rank() != 2)) {
    fail(format(
        "expected class numbers [n] or one-hot rows [n, classes], got {}{}",
        y.dtype(),
        shape));
  }
  const Tensor wide = y.cast(DType::f64);
  const auto values = wide.data<double>();
  std::vector<std::int64_t> out;
  if (numbers) {
    for (const double value : values) {
      const auto number = static_cast<std::int64_t>(value);
      if (!(value >= 0) || static_cast<double>(number) != value) {
        fail(format(
            "expected whole numbers >= 0 as classes, got {} in row {}",
            value,
            out.size()));
      }
      out.push_back(number);
    }
    return out;
  }
  const auto classes = static_cast<std::size_t>(shape[1]);
  for (std::size_t row = 0; row < values.size() / classes; ++row) {
    std::int64_t found = -1;
    for (std::size_t c = 0; c < classes; ++c) {
      const double value = values[row * classes + c];
      if (value == 0) continue;
      if (value != 1 || found >= 0) {
        fail(format("expected one 1 in each row, row {} has others", row));
      }
      found = static_cast<std::int64_t>(c);
    }
    if (found < 0)
      fail(format("expected a 1 in each row, row {} has none", row));
    out.push_back(found);
  }
  return out;
}

}  // namespace

std::map<std::int64_t, double> balanced_class_weight(const Tensor& y) {
  std::map<std::int64_t, double> counts;
  const std::vector<std::int64_t> classes = classes_of(y);
  for (const std::int64_t number : classes) ++counts[number];
  const auto rows = static_cast<double>(classes.size());
  const auto kinds = static_cast<double>(counts.size());
  for (auto& [number, count] : counts) count = rows / (kinds * count);
  return counts;
}

}  // namespace keratin::data
