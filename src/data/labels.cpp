#include "src/data/labels.hpp"

#include <cmath>
#include <map>
#include <string>

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin::data {
namespace {

template <class Key, class KeyOfRow>
ClassNumbers number_keys(std::int64_t rows, bool sorted, KeyOfRow key_of_row) {
  ClassNumbers out;
  std::map<Key, std::int64_t> numbers;
  for (std::int64_t row = 0; row < rows; ++row) {
    const auto next = static_cast<std::int64_t>(numbers.size());
    const auto number = numbers.emplace(key_of_row(row), next).first->second;
    if (number == next) out.counts.push_back(0);
    ++out.counts[static_cast<std::size_t>(number)];
    out.of_row.push_back(number);
  }
  if (!sorted) return out;
  std::vector<std::int64_t> place(numbers.size());
  std::vector<std::int64_t> counts;
  for (const auto& [key, number] : numbers) {
    place[static_cast<std::size_t>(number)] = std::ssize(counts);
    counts.push_back(out.counts[static_cast<std::size_t>(number)]);
  }
  for (std::int64_t& number : out.of_row) {
    number = place[static_cast<std::size_t>(number)];
  }
  out.counts = std::move(counts);
  return out;
}

ClassNumbers number(const Tensor& y, bool sorted, std::string_view who) {
  const Shape& shape = y.shape();
  if (shape.rank() != 1 && !(shape.rank() == 2 && shape[1] == 1)) {
    throw InvalidArgument(format(
        "[{}] expected one class per row, got {}{}; turn one-hot rows into "
        "class numbers first",
        who,
        y.dtype(),
        shape));
  }
  if (y.dtype() == DType::string) {
    const auto texts = y.data<std::string>();
    return number_keys<std::string_view>(
        y.size(), sorted, [&](std::int64_t row) {
          return std::string_view(texts[static_cast<std::size_t>(row)]);
        });
  }
  return number_keys<double>(y.size(), sorted, [&](std::int64_t row) {
    const double value = y.at(row);
    if (value != std::trunc(value)) {
      throw InvalidArgument(format(
          "[{}] expected whole numbers as classes, got {} in row {}",
          who,
          value,
          row));
    }
    return value;
  });
}

}  // namespace

ClassNumbers number_classes(const Tensor& y, std::string_view who) {
  return number(y, false, who);
}

ClassNumbers number_sorted_classes(const Tensor& y, std::string_view who) {
  return number(y, true, who);
}

}  // namespace keratin::data
