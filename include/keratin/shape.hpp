#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <keratin/export.hpp>

namespace keratin {

/// A dimension that is known only when data arrive (Keras's `None`).
inline constexpr std::int64_t kUnknown = -1;

/// The extents of a tensor, outermost axis first. A symbolic tensor may have
/// unknown dimensions; a host tensor and a value of a graph never have.
class KERATIN_API Shape {
 public:
  Shape() = default;  // a scalar

  Shape(std::initializer_list<std::int64_t> dims);  // NOLINT: reads as {2, 3}

  /// REQUIRES: every dimension is >= 0 or kUnknown (InvalidArgument otherwise).
  explicit Shape(std::vector<std::int64_t> dims);

  std::size_t rank() const { return dims_.size(); }

  bool empty() const { return dims_.empty(); }

  std::int64_t operator[](std::size_t axis) const { return dims_[axis]; }

  std::int64_t& operator[](std::size_t axis) { return dims_[axis]; }

  std::int64_t back() const { return dims_.back(); }

  auto begin() const { return dims_.begin(); }

  auto end() const { return dims_.end(); }

  const std::vector<std::int64_t>& dims() const { return dims_; }

  void push_back(std::int64_t dim) { dims_.push_back(dim); }

  /// True when no dimension is unknown.
  bool is_static() const;

  /// Product of the dimensions; 1 for a scalar. Throws InvalidArgument when a
  /// dimension is unknown or the product overflows 63 bits.
  std::int64_t size() const;

  /// Row-major strides, in elements.
  std::vector<std::int64_t> strides() const;

  /// The axis counted from the front; negative ones count from the back.
  /// Throws InvalidArgument, naming `who`, when it is out of range.
  std::size_t axis(std::int64_t index, const std::string& who = "shape") const;

  /// "[32,10]", unknown dimensions as "?".
  std::string str() const;

  /// Keras's spelling: "(None, 10)", "(3,)", "()".
  std::string keras_str() const;

  bool operator==(const Shape&) const = default;

 private:
  std::vector<std::int64_t> dims_;
};

/// NumPy's broadcasting of two shapes. Throws InvalidArgument naming both.
KERATIN_API Shape broadcast_shapes(
    const Shape& a, const Shape& b, const std::string& who = "broadcast");

}  // namespace keratin
