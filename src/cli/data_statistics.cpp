#include "src/cli/data_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <keratin/dtype.hpp>

namespace keratin::cli {

namespace {

constexpr std::size_t kMostShapes = 4;
constexpr std::size_t kMostClasses = 1000;
constexpr std::size_t kClassesShown = 20;

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

void add_names(
    const TensorSet& set,
    const char* part,
    std::vector<std::pair<std::string, const Tensor*>>& out) {
  for (std::size_t i = 0; i < set.size(); ++i) {
    std::string name = part;
    if (!set.names().empty()) {
      name += "/" + set.names()[i];
    } else if (set.size() > 1) {
      name += "/" + std::to_string(i);
    }
    out.emplace_back(std::move(name), &set.tensors()[i]);
  }
}

}  // namespace

void TensorStatistics::add(const Tensor& batch) {
  dtype_ = batch.dtype();
  std::string shape = batch.shape().str();
  if (shapes_.size() < kMostShapes &&
      std::ranges::find(shapes_, shape) == shapes_.end()) {
    shapes_.push_back(std::move(shape));
  }
  values_ += batch.size();
  if (batch.dtype() == DType::string) {
    add_texts(batch);
    return;
  }
  add_numbers(batch);
  if (target_) count_classes(batch);
}

void TensorStatistics::add_numbers(const Tensor& batch) {
  const auto see = [&](double value) {
    if (std::isnan(value)) {
      ++missing_;
      return;
    }
    if (std::isinf(value)) {
      ++infinite_;
      return;
    }
    low_ = any_ ? std::min(low_, value) : value;
    high_ = any_ ? std::max(high_, value) : value;
    sum_ += value;
    any_ = true;
  };
  for (const double value : batch.to_vector<double>()) see(value);
}

/// Of texts, their lengths in bytes.
void TensorStatistics::add_texts(const Tensor& batch) {
  for (const std::string& text : batch.data<std::string>()) {
    const auto length = static_cast<double>(text.size());
    if (text.empty()) ++missing_;
    low_ = any_ ? std::min(low_, length) : length;
    high_ = any_ ? std::max(high_, length) : length;
    sum_ += length;
    any_ = true;
  }
}

void TensorStatistics::count_classes(const Tensor& batch) {
  if (too_many_) return;
  const Shape& shape = batch.shape();
  const std::vector<double> values = batch.to_vector<double>();
  const bool single = shape.rank() == 1 || (shape.rank() == 2 && shape[1] == 1);
  if (single) {
    for (const double value : values) {
      if (value != std::trunc(value) || std::abs(value) > 1e15) {
        too_many_ = true;
        break;
      }
      ++classes_[static_cast<std::int64_t>(value)];
    }
  } else if (shape.rank() == 2) {
    // One-hot, or mixed by MixUp and the like: the likeliest.
    const auto width = static_cast<std::ptrdiff_t>(shape[1]);
    for (auto row = values.begin(); row != values.end(); row += width) {
      ++classes_[std::max_element(row, row + width) - row];
    }
  } else {
    too_many_ = true;
  }
  if (classes_.size() > kMostClasses) too_many_ = true;
  if (too_many_) classes_.clear();
}

std::string TensorStatistics::line() const {
  std::string out = name_ + "  " + std::string(name_of(dtype_));
  for (std::size_t i = 0; i < shapes_.size(); ++i) {
    out += (i > 0 ? ", " : "") + shapes_[i];
  }
  if (shapes_.size() == kMostShapes) out += ", ...";
  if (any_) {
    out += dtype_ == DType::string ? "  lengths " : "  ";
    out +=
        number(low_) + " to " + number(high_) + ", mean " +
        number(
            sum_ / static_cast<double>(std::max<std::int64_t>(
                       dtype_ == DType::string ? values_
                                               : values_ - missing_ - infinite_,
                       1)));
  }
  if (missing_ > 0) {
    out += "  " + std::to_string(missing_) +
           (dtype_ == DType::string ? " empty" : " missing (NaN)");
  }
  if (infinite_ > 0) out += "  " + std::to_string(infinite_) + " infinite";
  return out;
}

std::string TensorStatistics::classes_line() const {
  if (classes_.empty()) return "";
  std::string out = std::to_string(classes_.size()) + " classes:";
  std::size_t shown = 0;
  for (const auto& [label, count] : classes_) {
    if (++shown > kClassesShown) return out + " ...";
    out += " " + std::to_string(label) + ": " + std::to_string(count);
  }
  return out;
}

Config TensorStatistics::to_config() const {
  Config shapes = Config::array();
  for (const std::string& shape : shapes_) shapes.push_back(shape);
  Config out = Config::object(
      {{"name", name_},
       {"dtype", std::string(name_of(dtype_))},
       {"shapes", std::move(shapes)},
       {"values", values_},
       {"missing", missing_},
       {"infinite", infinite_}});
  if (any_) {
    const char* const what = dtype_ == DType::string ? "length_" : "";
    const std::int64_t counted =
        dtype_ == DType::string ? values_ : values_ - missing_ - infinite_;
    out[std::string(what) + "min"] = low_;
    out[std::string(what) + "max"] = high_;
    out[std::string(what) + "mean"] = sum_ / static_cast<double>(counted);
  }
  if (!classes_.empty()) {
    Config classes = Config::object();
    for (const auto& [label, count] : classes_) {
      classes[std::to_string(label)] = count;
    }
    out["classes"] = std::move(classes);
  }
  return out;
}

void DataStatistics::add(const data::Element& batch) {
  std::vector<std::pair<std::string, const Tensor*>> tensors;
  add_names(batch.x, "x", tensors);
  const std::size_t inputs = tensors.size();
  add_names(batch.y, "y", tensors);
  const std::size_t targets = tensors.size();
  add_names(batch.sample_weight, "sample_weight", tensors);
  for (std::size_t i = tensors_.size(); i < tensors.size(); ++i) {
    tensors_.emplace_back(tensors[i].first, i >= inputs && i < targets);
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    tensors_[i].add(*tensors[i].second);
  }
  rows_ += batch.x.rows();
}

}  // namespace keratin::cli
