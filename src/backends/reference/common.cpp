#include "src/backends/reference/common.hpp"

#include <cstring>

namespace keratin::reference {

double load_double(const View& view, std::int64_t i) {
  return visit_dtype(view.type->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return convert_element<double>(view.as<T>()[i]);
  });
}

std::int64_t load_index(const View& view, std::int64_t i) {
  return visit_dtype(view.type->dtype, [&](auto tag) -> std::int64_t {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      // NOLINTNEXTLINE(bugprone-signed-char-misuse): -1 is to stay -1
      const auto index = static_cast<std::int64_t>(view.as<T>()[i]);
      if constexpr (std::is_unsigned_v<T>) return index < 0 ? -1 : index;
      return index;
    } else {
      KERATIN_UNREACHABLE();
    }
  });
}

AxisView::AxisView(const Shape& shape, std::int64_t axis) {
  const auto rank = static_cast<std::int64_t>(shape.rank());
  for (std::int64_t i = 0; i < rank; ++i) {
    (i < axis ? outer : i > axis ? inner : size) *= shape[i];
  }
}

std::vector<std::int64_t> broadcast_strides(
    const Shape& operand, const Shape& shape) {
  const std::vector<std::int64_t> dense = operand.strides();
  std::vector<std::int64_t> strides(shape.rank(), 0);
  const std::size_t missing = shape.rank() - operand.rank();
  for (std::size_t i = 0; i < operand.rank(); ++i) {
    if (operand[i] != 1) strides[missing + i] = dense[i];
  }
  return strides;
}

StridedLoop::StridedLoop(
    const std::vector<std::int64_t>& dims,
    const std::vector<std::vector<std::int64_t>>& strides) {
  const std::size_t operands = strides.size();
  // Merged from the outermost dimension inwards: [d0, d1] runs as one when
  // every operand's stride over d0 is its stride over d1 times d1.
  for (std::size_t d = 0; d < dims.size(); ++d) {
    if (dims[d] == 0) empty_ = true;
    if (dims[d] == 1) continue;
    bool merges = !dims_.empty();
    for (std::size_t k = 0; merges && k < operands; ++k) {
      const std::int64_t outer = strides_[strides_.size() - operands + k];
      merges = outer == strides[k][d] * dims[d];
    }
    if (merges) {
      dims_.back() *= dims[d];
      strides_.resize(strides_.size() - operands);
    } else {
      dims_.push_back(dims[d]);
    }
    for (std::size_t k = 0; k < operands; ++k) {
      strides_.push_back(strides[k][d]);
    }
  }
  row_strides_.assign(operands, 0);
  if (!dims_.empty()) {
    row_size_ = dims_.back();
    row_strides_.assign(strides_.end() - operands, strides_.end());
    dims_.pop_back();
    strides_.resize(strides_.size() - operands);
  }
  index_.resize(dims_.size());
  offsets_.resize(operands);
}

StridedCopy::StridedCopy(
    const std::vector<std::int64_t>& dims,
    const std::vector<std::int64_t>& from_strides,
    std::int64_t from_offset,
    const std::vector<std::int64_t>& to_strides,
    std::int64_t to_offset,
    DType dtype)
    : loop_(dims, {from_strides, to_strides}),
      from_offset_(from_offset),
      to_offset_(to_offset),
      element_(size_of(dtype)) {}

namespace {

template <class T>
void copy_rows(StridedLoop& loop, const T* from, T* to) {
  const std::int64_t n = loop.row_size();
  const std::int64_t from_step = loop.row_stride(0);
  const std::int64_t to_step = loop.row_stride(1);
  loop.run([=](const std::int64_t* offsets) {
    const T* x = from + offsets[0];
    T* y = to + offsets[1];
    if (from_step == 1 && to_step == 1) {
      std::memcpy(y, x, static_cast<std::size_t>(n) * sizeof(T));
    } else {
      for (std::int64_t i = 0; i < n; ++i) y[i * to_step] = x[i * from_step];
    }
  });
}

template <class T>
void copy_as(
    StridedLoop& loop,
    const void* from,
    std::int64_t from_offset,
    void* to,
    std::int64_t to_offset) {
  copy_rows(
      loop,
      static_cast<const T*>(from) + from_offset,
      static_cast<T*>(to) + to_offset);
}

}  // namespace

void StridedCopy::run(const void* from, void* to) {
  switch (element_) {
    case 1:
      return copy_as<std::uint8_t>(loop_, from, from_offset_, to, to_offset_);
    case 2:
      return copy_as<std::uint16_t>(loop_, from, from_offset_, to, to_offset_);
    case 4:
      return copy_as<std::uint32_t>(loop_, from, from_offset_, to, to_offset_);
    case 8:
      return copy_as<std::uint64_t>(loop_, from, from_offset_, to, to_offset_);
    default:
      KERATIN_UNREACHABLE();
  }
}

}  // namespace keratin::reference
