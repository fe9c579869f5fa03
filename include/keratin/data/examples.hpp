#pragma once

#include <keratin/tensor.hpp>

namespace keratin::data {

/// Inputs and targets, one row of the first axis for each example.
struct Examples {
  Tensor x;
  Tensor y;
};

/// Reads as `auto [train, test] = ...`.
struct TrainTest {
  Examples train;
  Examples test;
};

}  // namespace keratin::data
