#include "tests/conformance/harness.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <sstream>

namespace conformance {

using keratin::Config;
using keratin::DType;
using keratin::Shape;
using keratin::Tensor;
using keratin::io::Hdf5File;

Tensor Settings::data(const Tensor& values) const {
  return keratin::is_floating(values.dtype()) ? values.cast(dtype) : values;
}

Config Settings::config(const std::string& text, const std::string& who) const {
  std::string mine = text;
  if (dtype != DType::f64) {
    const std::string from = "\"float64\"";
    for (std::size_t at = mine.find(from); at != std::string::npos;
         at = mine.find(from, at)) {
      mine.replace(at, from.size(), "\"float32\"");
    }
  }
  return Config::parse(mine, who);
}

namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

std::string index_text(std::int64_t flat, const Shape& shape) {
  std::string text;
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    text =
        std::to_string(flat % shape[axis]) + (text.empty() ? "" : ", " + text);
    flat /= shape[axis];
  }
  return "[" + text + "]";
}

std::string shape_text(const Shape& shape) {
  std::ostringstream out;
  out << '[';
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    out << (axis > 0 ? ", " : "") << shape[axis];
  }
  out << ']';
  return out.str();
}

}  // namespace

void Comparison::compare(
    const std::string& where,
    const Tensor& ours,
    const Tensor& keras,
    double tolerance) {
  if (ours.shape() != keras.shape()) {
    fail(
        where,
        "shape " + shape_text(ours.shape()) + ", Keras has " +
            shape_text(keras.shape()));
    return;
  }
  const auto mine = ours.to_vector<double>();
  const auto theirs = keras.to_vector<double>();
  double scale = 1;
  for (const double value : theirs) {
    if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
  }
  double worst = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (mine[i] == theirs[i]) continue;  // infinities too
    double error = std::abs(mine[i] - theirs[i]);
    if (std::isnan(mine[i]) && std::isnan(theirs[i])) error = 0;
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    if (error > worst) {
      worst = error;
      at = i;
    }
  }
  const double share = worst / (tolerance * scale);
  if (share > 1) ++failures_;
  if (share <= worst_) return;
  worst_ = share;
  if (worst == 0) {
    text_ = "exact";
    return;
  }
  text_ = where + ": error " + number(worst) + " (allowed " +
          number(tolerance * scale) + ") at " +
          index_text(static_cast<std::int64_t>(at), ours.shape()) + ": ours " +
          number(mine[at]) + ", keras " + number(theirs[at]);
}

void Comparison::compare(
    const std::string& where, double ours, double keras, double tolerance) {
  compare(where, Tensor(ours), Tensor(keras), tolerance);
}

void Comparison::fail(const std::string& where, const std::string& what) {
  if (worst_ < std::numeric_limits<double>::infinity()) {
    text_ = where + ": " + what;
  }
  worst_ = std::numeric_limits<double>::infinity();
  ++failures_;
}

std::string Comparison::summary() const {
  if (failures_ <= 1) return text_;
  return text_ + " (the worst of " + std::to_string(failures_) + ")";
}

std::string text_attr(const Hdf5File& file, const char* name) {
  return file.attr_text("/", name);
}

std::vector<std::string> strings(
    const Hdf5File& file, const std::string& path) {
  const Tensor values = file.read(path);
  if (values.size() == 0) return {};  // of any dtype: h5py writes float64
  const auto span = values.data<std::string>();
  return {span.begin(), span.end()};
}

std::vector<Tensor> numbered(const Hdf5File& file, const std::string& group) {
  std::vector<Tensor> values;
  for (;;) {
    const std::string path = group + "/" + std::to_string(values.size());
    if (!file.contains(path)) return values;
    values.push_back(file.read(path));
  }
}

}  // namespace conformance
