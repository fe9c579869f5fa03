#pragma once

#include <array>
#include <cstdint>

#include "src/ir/graph.hpp"

namespace keratin::reference {

/// A convolution or pooling with one to three spatial axes, brought to three:
/// missing ones lead, with extent 1.
struct Window3 {
  using Triple = std::array<std::int64_t, 3>;

  std::int64_t batch = 0;
  std::int64_t channels = 0;  // of x
  std::int64_t filters = 0;   // of y
  Triple x{1, 1, 1};
  Triple y{1, 1, 1};
  Triple kernel{1, 1, 1};
  Triple stride{1, 1, 1};
  Triple pad{0, 0, 0};
  Triple dilation{1, 1, 1};

  /// x: [n, spatial..., c], y: [n, out..., f].
  Window3(
      const Attrs& attrs, const Shape& x, const Ints& kernel, const Shape& y);

  /// Where tap `k` of window `o` reads along spatial axis `d`, or -1 outside.
  std::int64_t source(std::size_t d, std::int64_t o, std::int64_t k) const {
    const std::int64_t at = o * stride[d] - pad[d] + k * dilation[d];
    return at >= 0 && at < x[d] ? at : -1;
  }

  /// The window whose tap `k` reads `at` along axis `d`, or -1.
  std::int64_t window(std::size_t d, std::int64_t at, std::int64_t k) const {
    const std::int64_t scaled = at + pad[d] - k * dilation[d];
    if (scaled < 0 || scaled % stride[d] != 0) return -1;
    const std::int64_t o = scaled / stride[d];
    return o < y[d] ? o : -1;
  }

  std::int64_t x_points() const { return x[0] * x[1] * x[2]; }

  std::int64_t y_points() const { return y[0] * y[1] * y[2]; }

  std::int64_t taps() const { return kernel[0] * kernel[1] * kernel[2]; }

  /// The three indices of a flat position within `extents`.
  static Triple split(std::int64_t flat, const Triple& extents) {
    return {
        flat / (extents[1] * extents[2]),
        flat / extents[2] % extents[1],
        flat % extents[2]};
  }

  /// Flat position in x read by tap `tap` of window `point`; -1 outside.
  std::int64_t read_at(const Triple& point, const Triple& tap) const;

  /// Flat window that reads `point` of x by tap `tap`; -1 when none.
  std::int64_t read_by(const Triple& point, const Triple& tap) const;
};

}  // namespace keratin::reference
