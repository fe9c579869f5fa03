#include "layers/text/encoding.hpp"

#include <algorithm>
#include <vector>

#include <keratin/ops.hpp>

namespace keratin::text {

namespace {

/// [..., 1] loses its last axis before it is encoded one-hot.
bool drops_last(const Shape& shape) {
  return shape.rank() > 1 && shape.back() == 1;
}

Shape without(const Shape& shape, std::size_t axis) {
  Shape out;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    if (i != axis) out.push_back(shape[i]);
  }
  return out;
}

/// The axis that is counted over.
std::size_t counted_axis(const Shape& shape) {
  return shape.rank() > 1 ? 1 : 0;
}

}  // namespace

std::string output_mode_name(const std::string& name) {
  if (name == "binary") return "multi_hot";
  if (name == "tf-idf") return "tf_idf";
  return name;
}

Shape encoded_shape(
    const Shape& indices, const std::string& mode, std::int64_t depth) {
  if (mode == "int") return indices;
  Shape out = indices.empty() ? Shape{1} : indices;
  if (mode == "one_hot") {
    if (drops_last(out)) out = without(out, out.rank() - 1);
  } else {
    out = without(out, counted_axis(out));
  }
  out.push_back(depth);
  return out;
}

Tensor encode(
    const Tensor& indices,
    const std::string& mode,
    std::int64_t depth,
    DType dtype,
    const Tensor* weights) {
  if (mode == "int") return indices.cast(dtype);
  const Shape shape = indices.rank() == 0 ? Shape{1} : indices.shape();
  std::vector<double> out(
      static_cast<std::size_t>(encoded_shape(shape, mode, depth).size()));
  const auto from = indices.data<std::int64_t>();
  // [outer, counted, inner] -> [outer, inner, depth]; one-hot counts nothing.
  std::int64_t counted = 1;
  std::int64_t inner = 1;
  if (mode != "one_hot") {
    const std::size_t axis = counted_axis(shape);
    counted = shape[axis];
    for (std::size_t i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
  const Tensor wide = weights == nullptr ? Tensor() : weights->cast(DType::f64);
  for (std::int64_t i = 0; i < indices.size(); ++i) {
    const std::int64_t index = from[static_cast<std::size_t>(i)];
    if (index < 0 || index >= depth) continue;
    const std::int64_t row = i / (counted * inner) * inner + i % inner;
    double& to = out[static_cast<std::size_t>(row * depth + index)];
    if (mode == "count") {
      to += weights == nullptr
                ? 1.0
                : wide.data<double>()[static_cast<std::size_t>(i)];
    } else {
      to = 1;
    }
  }
  return Tensor(out, encoded_shape(shape, mode, depth)).cast(dtype);
}

Value encode(
    const Value& indices,
    const std::string& mode,
    std::int64_t depth,
    DType dtype,
    const Value& weights) {
  if (mode == "int") return ops::cast(indices, dtype);
  Value x = indices;
  if (x.dtype() == DType::boolean || !is_integer(x.dtype())) {
    x = ops::cast(x, DType::i64);
  }
  if (x.rank() == 0) x = ops::reshape(x, {1});
  if (mode == "one_hot") {
    if (drops_last(x.shape())) {
      x = ops::squeeze(x, {static_cast<std::int64_t>(x.rank()) - 1});
    }
    return ops::one_hot(x, depth, dtype);
  }
  Value count;
  if (x.rank() <= 2) {
    // Counted in place: a one-hot array would be depth times as large.
    Shape shape = x.shape();
    shape[shape.rank() - 1] = depth;
    const Value ones = ops::full(x.graph(), x.shape(), 1, dtype);
    count = ops::scatter_along_axis(
        x, weights ? ops::cast(weights, dtype) : ones, shape, -1);
  } else {
    Value hot = ops::one_hot(x, depth, dtype);
    if (weights) hot = hot * ops::expand_dims(ops::cast(weights, dtype), -1);
    count = ops::sum(hot, {1});
  }
  return mode == "multi_hot" ? ops::minimum(count, 1.0) : count;
}

}  // namespace keratin::text
