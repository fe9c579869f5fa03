#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/ops.hpp>

#include "tests/support/checks/check_layer.hpp"
#include "tests/support/throws.hpp"

namespace keratin::testing {

/// The layer's result on one array.
inline Tensor apply(
    const Layer& layer, const Tensor& x, bool training = false) {
  return run_layer(layer, {x}, {.training = training}).outputs[0];
}

inline Tensor array(const std::vector<double>& values, Shape shape) {
  return Tensor(values, std::move(shape)).cast(DType::f32);
}

/// CHECKs the values of a result.
inline void check_values(
    const Tensor& got, const Shape& shape, const std::vector<double>& want) {
  check_close(got, Tensor(want, shape), 1e-6);
}

/// What is thrown when a layer is called on zeros of a shape.
inline std::string call_error(const Layer& layer, const Shape& shape) {
  return message_of<InvalidArgument>(
      [&] { apply(layer, Tensor(DType::f32, shape)); });
}

/// What is thrown when a layer is made.
template <class F>
std::string make_error(F&& make) {
  return message_of<InvalidArgument>(make);
}

}  // namespace keratin::testing
