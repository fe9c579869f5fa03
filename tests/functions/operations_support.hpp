#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/tensor.hpp>
#include <keratin/tensor_set.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

/// Cases of Keras's operations: files of tests/data/operations.
namespace keratin::testing {

inline Config operation_cases(const std::string& file) {
  return Config::parse(read_file(fixture("operations/" + file)));
}

inline Tensor tensor_of(const Config& config) {
  std::vector<double> values;
  for (const Config& value : config.at("values").as_array()) {
    values.push_back(value.as_number());
  }
  return Tensor(values, Shape(config.at("shape").as_ints()))
      .cast(parse_dtype(config.at("dtype").as_string()));
}

inline TensorSet inputs_of(const Config& cases) {
  std::vector<TensorSet::Named> named;
  for (const auto& [name, config] : cases.at("inputs").as_object()) {
    named.emplace_back(name, tensor_of(config));
  }
  return TensorSet(std::move(named));
}

/// Both NaN, both the same infinity, or near.
inline bool is_close(double got, double want, double tolerance) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want)) return got == want;
  return std::abs(got - want) <= tolerance * std::max(1.0, std::abs(want));
}

inline void check_close(const Tensor& got, const Tensor& want) {
  CHECK(got.dtype() == want.dtype());
  REQUIRE(got.shape() == want.shape());
  for (std::int64_t i = 0; i < got.size(); ++i) {
    if (is_close(got.at(i), want.at(i), 5e-6)) continue;
    FAIL_CHECK(
        "element " << i << ": " << got.at(i) << ", Keras has " << want.at(i));
    return;
  }
}

}  // namespace keratin::testing
