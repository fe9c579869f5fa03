#include <algorithm>

#include <keratin/error.hpp>
#include <keratin/shape.hpp>

#include "src/core/format.hpp"

namespace keratin {

namespace {

void check_dims(const std::vector<std::int64_t>& dims) {
  for (std::int64_t dim : dims) {
    if (dim < 0 && dim != kUnknown) {
      throw InvalidArgument(keratin::format(
          "[shape] expected dimensions >= 0 (or kUnknown), got {}", dim));
    }
  }
}

}  // namespace

Shape::Shape(std::initializer_list<std::int64_t> dims)
    : Shape(std::vector<std::int64_t>(dims)) {}

Shape::Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {
  check_dims(dims_);
}

bool Shape::is_static() const {
  return std::none_of(
      dims_.begin(), dims_.end(), [](std::int64_t d) { return d < 0; });
}

std::int64_t Shape::size() const {
  if (!is_static()) {
    throw InvalidArgument(keratin::format(
        "[shape] expected known dimensions, got {}", keras_str()));
  }
  // A zero makes the product zero whatever the other factors are.
  if (std::find(dims_.begin(), dims_.end(), 0) != dims_.end()) return 0;
  std::int64_t product = 1;
  for (std::int64_t dim : dims_) {
    if (__builtin_mul_overflow(product, dim, &product)) {
      throw InvalidArgument(keratin::format(
          "[shape] expected fewer than 2^63 elements, got {}", keras_str()));
    }
  }
  return product;
}

std::vector<std::int64_t> Shape::strides() const {
  size();  // known dimensions and no overflow
  std::vector<std::int64_t> strides(rank(), 1);
  for (std::size_t i = rank(); i-- > 1;) {
    // A zero dimension counts as one, as in NumPy, so no stride is zero; such
    // a shape has no elements, hence an overflow there changes nothing.
    const std::int64_t dim = std::max<std::int64_t>(dims_[i], 1);
    if (__builtin_mul_overflow(strides[i], dim, &strides[i - 1])) {
      strides[i - 1] = 0;
    }
  }
  return strides;
}

std::size_t Shape::axis(std::int64_t index, const std::string& who) const {
  const auto count = static_cast<std::int64_t>(rank());
  if (index < -count || index >= count) {
    throw InvalidArgument(
        count == 0
            ? keratin::format(
                  "[{}] expected no axis of a scalar, got {}", who, index)
            : keratin::format(
                  "[{}] expected an axis from {} to {} of {}, got {}",
                  who,
                  -count,
                  count - 1,
                  keras_str(),
                  index));
  }
  return static_cast<std::size_t>(index < 0 ? index + count : index);
}

std::string Shape::str() const {
  std::string text = "[";
  for (std::size_t i = 0; i < rank(); ++i) {
    if (i > 0) text += ',';
    text += dims_[i] < 0 ? "?" : std::to_string(dims_[i]);
  }
  return text + "]";
}

std::string Shape::keras_str() const {
  std::string text = "(";
  for (std::size_t i = 0; i < rank(); ++i) {
    if (i > 0) text += ", ";
    text += dims_[i] < 0 ? "None" : std::to_string(dims_[i]);
  }
  return text + (rank() == 1 ? ",)" : ")");
}

Shape broadcast_shapes(const Shape& a, const Shape& b, const std::string& who) {
  const std::size_t rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dims(rank);
  for (std::size_t i = 1; i <= rank; ++i) {  // from the last axis
    const std::int64_t x = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t y = i <= b.rank() ? b[b.rank() - i] : 1;
    if (x == y || y == 1) {
      dims[rank - i] = x;
    } else if (x == 1) {
      dims[rank - i] = y;
    } else if (x == kUnknown || y == kUnknown) {
      dims[rank - i] = std::max(x, y);  // the known one, or data will tell
    } else {
      throw InvalidArgument(keratin::format(
          "[{}] expected shapes that broadcast, got {} and {}: {} does not "
          "match {}",
          who,
          a.keras_str(),
          b.keras_str(),
          x,
          y));
    }
  }
  return Shape(std::move(dims));
}

}  // namespace keratin
