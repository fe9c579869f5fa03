#pragma once

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/dtype_policy.hpp>
#include <keratin/tensor.hpp>

#include "src/io/hdf5_reader.hpp"
#include "tests/support/paths.hpp"

/// Reading what Keras computed, for the tests of losses, metrics, optimizers
/// and schedules.
namespace keratin::testing {

/// The files of one folder of conformance cases, sorted; none when the folder
/// is not there.
inline std::vector<std::filesystem::path> golden_files(
    const std::string& folder) {
  std::vector<std::filesystem::path> files;
  const std::filesystem::path root = conformance_dir() / folder;
  if (!std::filesystem::exists(root)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.path().extension() == ".h5") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Another floatx while it lives.
class FloatxScope {
 public:
  explicit FloatxScope(DType dtype) : before_(floatx()) { set_floatx(dtype); }

  ~FloatxScope() { set_floatx(before_); }

  FloatxScope(const FloatxScope&) = delete;
  FloatxScope& operator=(const FloatxScope&) = delete;

 private:
  DType before_;
};

/// The largest difference over max(1, largest of `expected`); infinite when the
/// shapes differ or a number is none on one side only.
inline double relative_error(const Tensor& actual, const Tensor& expected) {
  if (actual.size() != expected.size()) return INFINITY;
  double scale = 1;
  double worst = 0;
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    const double e = expected.at(i);
    const double a = actual.at(i);
    if (std::isnan(e) != std::isnan(a)) return INFINITY;
    if (std::isnan(e) || a == e) continue;
    scale = std::max(scale, std::abs(e));
    worst = std::max(worst, std::abs(a - e));
  }
  return worst / scale;
}

/// Whether two configs say the same, 1 and 1.0 being the same.
inline bool same_config(const Config& a, const Config& b) {
  if (a.is_number() && b.is_number()) return a.as_number() == b.as_number();
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      const auto& [key_a, value_a] = a.as_object()[i];
      const auto& [key_b, value_b] = b.as_object()[i];
      if (key_a != key_b || !same_config(value_a, value_b)) return false;
    }
    return true;
  }
  if (a.is_array() && b.is_array()) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!same_config(a.as_array()[i], b.as_array()[i])) return false;
    }
    return true;
  }
  return a == b;
}

/// The numbers of `tensor` as floats of the dtype; integers as they are.
inline Tensor as_float(const Tensor& tensor, DType dtype) {
  return is_floating(tensor.dtype()) ? tensor.cast(dtype) : tensor;
}

}  // namespace keratin::testing
