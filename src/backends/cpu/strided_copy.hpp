#pragma once

#include <cstdint>
#include <vector>

#include <keratin/dtype.hpp>

namespace keratin::cpu {

/// Copies an array of any strides to another, on all threads.
class StridedCopy {
 public:
  StridedCopy() = default;

  /// Dimensions, outermost first, and strides and first elements of source and
  /// destination, in elements.
  StridedCopy(
      const std::vector<std::int64_t>& dims,
      const std::vector<std::int64_t>& from_strides,
      std::int64_t from_offset,
      const std::vector<std::int64_t>& to_strides,
      std::int64_t to_offset,
      DType dtype);

  void run(const void* from, void* to) const;

 private:
  struct Loop {
    std::int64_t size;
    std::int64_t from;  // stride
    std::int64_t to;
  };

  template <class T>
  void run_as(const T* from, T* to) const;

  template <class T>
  void run_row(const T* from, T* to) const;

  bool empty_ = false;
  std::vector<Loop> outer_;
  std::int64_t outer_size_ = 1;
  Loop row_{1, 1, 1};
  // Where rows are not read in order but neighbouring rows are: that loop, so
  // that the two can be taken in tiles.
  Loop across_{1, 0, 0};
  std::int64_t from_offset_ = 0;
  std::int64_t to_offset_ = 0;
  std::size_t element_ = 4;
};

}  // namespace keratin::cpu
