#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <keratin/tensor.hpp>

/// The numbers that numpy.random.RandomState(seed) draws, bit for bit.
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : bits_(seed) {}

  /// [0, 1) with 53 random bits: RandomState.rand.
  double rand() {
    const std::uint32_t high = bits_() >> 5;
    const std::uint32_t low = bits_() >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }

  /// A normal number by Marsaglia's polar method: RandomState.randn. Each
  /// round gives two; the second is kept for the next call.
  double randn() {
    if (has_kept_) {
      has_kept_ = false;
      return kept_;
    }
    double x = 0;
    double y = 0;
    double square = 0;
    do {
      x = 2 * rand() - 1;
      y = 2 * rand() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double scale = std::sqrt(-2 * std::log(square) / square);
    kept_ = scale * x;
    has_kept_ = true;
    return scale * y;
  }

  /// RandomState.randn(shape...) as float64.
  keratin::Tensor randn(keratin::Shape shape) {
    std::vector<double> values(static_cast<std::size_t>(shape.size()));
    for (double& value : values) value = randn();
    return keratin::Tensor(values, std::move(shape));
  }

 private:
  std::mt19937 bits_;
  double kept_ = 0;
  bool has_kept_ = false;
};
