#pragma once

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <keratin/dtype.hpp>
#include <keratin/export.hpp>
#include <keratin/shape.hpp>

namespace keratin {

/// An array on the host: row-major, contiguous, any dtype.
///
/// A Tensor is a value: copying it is cheap (the elements are shared), writing
/// to one copy never shows in another (copy on write). Different Tensor objects
/// may be used from different threads, one object not while it is written to.
class KERATIN_API Tensor {
 public:
  Tensor();  // f32 of shape [0]

  /// All zeros (empty strings, false).
  Tensor(DType dtype, Shape shape);

  /// A scalar of the value's dtype.
  template <class T>
  requires std::is_arithmetic_v<T>

  explicit Tensor(T value) : Tensor(kDTypeOf<T>, Shape{}) {
    mutable_data<T>()[0] = value;
  }

  /// `values` in row-major order. Throws InvalidArgument unless
  /// values.size() == shape.size().
  template <class T>
  Tensor(const std::vector<T>& values, Shape shape)
      : Tensor(kDTypeOf<T>, std::move(shape)) {
    check_count(values.size());
    auto out = mutable_data<T>();
    std::size_t i = 0;
    // NOLINTNEXTLINE(performance-for-range-copy): vector<bool> has no elements
    for (T value : values) out[i++] = value;
  }

  /// A vector: rank 1.
  template <class T>
  explicit Tensor(const std::vector<T>& values)
      : Tensor(values, Shape{static_cast<std::int64_t>(values.size())}) {}

  /// Elements are left as they come from the allocator.
  static Tensor uninitialized(DType dtype, Shape shape);

  /// Shares memory that `owner` keeps alive; the first write copies it.
  static Tensor borrow(
      const void* data, DType dtype, Shape shape, std::shared_ptr<void> owner);

  static Tensor full(DType dtype, Shape shape, double value);

  DType dtype() const { return dtype_; }

  const Shape& shape() const { return shape_; }

  std::size_t rank() const { return shape_.rank(); }

  std::int64_t size() const { return size_; }

  std::size_t size_bytes() const;

  /// The elements' bytes. Not for strings.
  const void* raw() const;

  /// As raw(), for writing: makes the elements this object's own.
  void* mutable_raw();

  /// The elements. Throws InvalidArgument when T is not the dtype's type.
  template <class T>
  std::span<const T> data() const {
    check_dtype(kDTypeOf<T>);
    return {static_cast<const T*>(elements()), static_cast<std::size_t>(size_)};
  }

  template <class T>
  std::span<T> mutable_data() {
    check_dtype(kDTypeOf<T>);
    return {
        static_cast<T*>(mutable_elements()), static_cast<std::size_t>(size_)};
  }

  /// The one element of a tensor of size 1, converted.
  template <class T>
  T item() const {
    check_single();
    return to_vector<T>()[0];
  }

  /// Element `flat` (row-major), converted to double. Not for strings.
  double at(std::int64_t flat) const;

  /// The elements converted to T.
  template <class T>
  std::vector<T> to_vector() const {
    if constexpr (std::is_same_v<T, bool>) {
      const Tensor t = cast(DType::boolean);
      auto d = t.data<bool>();
      return {d.begin(), d.end()};
    } else {
      const Tensor t = cast(kDTypeOf<T>);
      auto d = t.template data<T>();
      return {d.begin(), d.end()};
    }
  }

  /// Rows [begin, end) of the first axis; shares the elements.
  Tensor slice(std::int64_t begin, std::int64_t end) const;

  /// Row `index` of the first axis, one rank less; shares the elements.
  Tensor operator[](std::int64_t index) const;

  /// Rows `indices` of the first axis, copied.
  Tensor take(std::span<const std::int64_t> indices) const;

  /// The same elements in another shape; one dimension may be kUnknown.
  Tensor reshape(Shape shape) const;

  /// NumPy's astype: floats to integers truncate, anything to bool is != 0.
  Tensor cast(DType dtype) const;

  /// As NumPy prints it.
  std::string str() const;

  /// Same dtype, shape and elements, bit for bit (NaNs may be equal).
  bool operator==(const Tensor& other) const;

 private:
  struct Storage;

  const void* elements() const;
  void* mutable_elements();
  void check_single() const;
  void check_count(std::size_t count) const;
  void check_dtype(DType asked) const;

  std::shared_ptr<Storage> storage_;
  std::size_t offset_ = 0;  // in elements
  std::int64_t size_ = 0;
  Shape shape_;
  DType dtype_ = DType::f32;
};

KERATIN_API std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

/// One tensor from rows of equal shape and dtype: a new first axis.
KERATIN_API Tensor stack(std::span<const Tensor> rows);

/// Joined along an existing axis.
KERATIN_API Tensor
concatenate(std::span<const Tensor> parts, std::int64_t axis = 0);

}  // namespace keratin
