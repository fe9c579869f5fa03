#include "src/backends/reference/window.hpp"

namespace keratin::reference {

Window3::Window3(
    const Attrs& attrs,
    const Shape& x_shape,
    const Ints& kernel_size,
    const Shape& y_shape)
    : batch(x_shape[0]), channels(x_shape.back()), filters(y_shape.back()) {
  const std::size_t spatial = x_shape.rank() - 2;
  for (std::size_t i = 0; i < spatial; ++i) {
    const std::size_t d = 3 - spatial + i;
    x[d] = x_shape[i + 1];
    y[d] = y_shape[i + 1];
    kernel[d] = kernel_size[i];
    stride[d] = attrs.ints("strides")[i];
    pad[d] = attrs.ints("pad_low")[i];
    dilation[d] = attrs.ints("dilation")[i];
  }
}

std::int64_t Window3::read_at(const Triple& point, const Triple& tap) const {
  std::int64_t flat = 0;
  for (std::size_t d = 0; d < 3; ++d) {
    const std::int64_t at = source(d, point[d], tap[d]);
    if (at < 0) return -1;
    flat = flat * x[d] + at;
  }
  return flat;
}

std::int64_t Window3::read_by(const Triple& point, const Triple& tap) const {
  std::int64_t flat = 0;
  for (std::size_t d = 0; d < 3; ++d) {
    const std::int64_t at = window(d, point[d], tap[d]);
    if (at < 0) return -1;
    flat = flat * y[d] + at;
  }
  return flat;
}

}  // namespace keratin::reference
