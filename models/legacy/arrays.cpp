#include "models/legacy/arrays.hpp"

#include <cstring>
#include <utility>

#include <keratin/error.hpp>

namespace keratin::legacy {

namespace {

/// Element `i` of the result is element `from(i)` of the source, walked by
/// strides that may be negative.
Tensor gathered(
    const Tensor& x,
    const Shape& shape,
    const std::vector<std::int64_t>& strides,
    std::int64_t start) {
  Tensor out = Tensor::uninitialized(x.dtype(), shape);
  const std::int64_t count = out.size();
  if (count == 0) return out;
  const std::size_t width = x.size_bytes() / static_cast<std::size_t>(x.size());
  const std::byte* in = static_cast<const std::byte*>(x.raw());
  std::byte* to = static_cast<std::byte*>(out.mutable_raw());
  std::vector<std::int64_t> index(shape.rank(), 0);
  std::int64_t at = start;
  for (std::int64_t i = 0; i < count; ++i) {
    std::memcpy(to, in + static_cast<std::size_t>(at) * width, width);
    to += width;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      at += strides[axis];
      if (++index[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

std::vector<std::int64_t> strides_of(const Shape& shape) {
  std::vector<std::int64_t> strides(shape.rank(), 1);
  for (std::size_t axis = shape.rank(); axis-- > 1;) {
    strides[axis - 1] = strides[axis] * shape[axis];
  }
  return strides;
}

}  // namespace

Array array_of(const std::string& name, const h5::Object& dataset) {
  Array out;
  out.name = name;
  out.shape = dataset.shape();
  out.file_shape = out.shape;
  out.dtype = dataset.dtype();
  out.read = [dataset, shape = out.shape] {
    // The caller wants just this many.
    return dataset.read(static_cast<std::uint64_t>(shape.size()) * 8 + 64);
  };
  return out;
}

Array transposed(const Array& x, const std::vector<std::size_t>& axes) {
  Array out = x;
  std::vector<std::int64_t> dims;
  for (const std::size_t axis : axes) dims.push_back(x.shape[axis]);
  out.shape = Shape(std::move(dims));
  out.read = [read = x.read, axes, from = x.shape, to = out.shape] {
    const std::vector<std::int64_t> strides = strides_of(from);
    std::vector<std::int64_t> moved;
    for (const std::size_t axis : axes) moved.push_back(strides[axis]);
    return gathered(read(), to, moved, 0);
  };
  return out;
}

Array flipped(const Array& x, std::size_t axes) {
  Array out = x;
  out.read = [read = x.read, axes, shape = x.shape] {
    std::vector<std::int64_t> strides = strides_of(shape);
    std::int64_t start = 0;
    for (std::size_t axis = 0; axis < axes; ++axis) {
      start += strides[axis] * (shape[axis] - 1);
      strides[axis] = -strides[axis];
    }
    return gathered(read(), shape, strides, start);
  };
  return out;
}

Array reshaped(const Array& x, const Shape& shape) {
  Array out = x;
  out.shape = shape;
  out.read = [read = x.read, shape] { return read().reshape(shape); };
  return out;
}

Array joined(const std::vector<Array>& parts) {
  Array out = parts[0];
  std::vector<std::int64_t> dims = parts[0].shape.dims();
  dims.back() = 0;
  for (const Array& part : parts) dims.back() += part.shape.back();
  out.shape = Shape(std::move(dims));
  out.read = [parts, shape = out.shape] {
    std::vector<Tensor> values;
    for (const Array& part : parts) values.push_back(part.read());
    const DType dtype = values[0].dtype();
    for (Tensor& value : values) {
      if (value.dtype() == DType::string) {
        throw InvalidArgument("weights: expected numbers, got strings");
      }
      value = value.cast(dtype);  // a file may mix precisions
    }
    Tensor result = Tensor::uninitialized(dtype, shape);
    if (result.size() == 0) return result;
    const std::int64_t rows = shape.size() / shape.back();
    std::byte* to = static_cast<std::byte*>(result.mutable_raw());
    for (std::int64_t row = 0; row < rows; ++row) {
      for (const Tensor& value : values) {
        const std::size_t width =
            value.size_bytes() / static_cast<std::size_t>(rows);
        std::memcpy(
            to,
            static_cast<const std::byte*>(value.raw()) +
                static_cast<std::size_t>(row) * width,
            width);
        to += width;
      }
    }
    return result;
  };
  return out;
}

Array by_gates(
    const Array& x,
    std::size_t gates,
    const std::function<void(const double*, double*, std::size_t, std::size_t)>&
        change) {
  Array out = x;
  out.read = [read = x.read, gates, change, shape = x.shape] {
    const Tensor value = read();
    const std::vector<double> in = value.to_vector<double>();
    std::vector<double> result(in.size());
    const auto rows = static_cast<std::size_t>(shape[0]);
    const auto all = static_cast<std::size_t>(shape[1]);
    const std::size_t columns = all / gates;
    std::vector<double> block(rows * columns);
    std::vector<double> changed(rows * columns);
    for (std::size_t gate = 0; gate < gates; ++gate) {
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          block[r * columns + c] = in[r * all + gate * columns + c];
        }
      }
      change(block.data(), changed.data(), rows, columns);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          result[r * all + gate * columns + c] = changed[r * columns + c];
        }
      }
    }
    return Tensor(result, shape).cast(value.dtype());
  };
  return out;
}

Array halves_added(const Array& x) {
  Array out = x;
  out.shape = Shape{x.shape[0] / 2};
  out.read = [read = x.read] {
    const Tensor value = read();
    const std::vector<double> in = value.to_vector<double>();
    const std::size_t half = in.size() / 2;
    std::vector<double> sum(half);
    for (std::size_t i = 0; i < half; ++i) sum[i] = in[i] + in[half + i];
    return Tensor(sum).cast(value.dtype());
  };
  return out;
}

}  // namespace keratin::legacy
