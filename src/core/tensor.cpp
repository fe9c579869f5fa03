#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <ostream>

#include <keratin/error.hpp>
#include <keratin/tensor.hpp>

#include "src/core/tensor_storage.hpp"
#include "src/core/visit.hpp"

namespace keratin {

Tensor::Tensor() : shape_({0}) {}

Tensor::Tensor(DType dtype, Shape shape)
    : Tensor(uninitialized(dtype, std::move(shape))) {
  if (storage_ && dtype_ != DType::string) {
    std::memset(storage_->data, 0, size_bytes());
  }
}

Tensor Tensor::uninitialized(DType dtype, Shape shape) {
  Tensor tensor;
  tensor.size_ = shape.size();
  tensor.shape_ = std::move(shape);
  tensor.dtype_ = dtype;
  if (tensor.size_ > 0) tensor.storage_ = Storage::make(dtype, tensor.size_);
  return tensor;
}

Tensor Tensor::borrow(
    const void* data, DType dtype, Shape shape, std::shared_ptr<void> owner) {
  if (dtype == DType::string) {
    throw InvalidArgument("[tensor] expected borrowed numbers, got strings");
  }
  Tensor tensor;
  tensor.size_ = shape.size();
  if (tensor.size_ > 0 && data == nullptr) {
    throw InvalidArgument(keratin::format(
        "[tensor] expected data for {}{}, got a null pointer", dtype, shape));
  }
  tensor.shape_ = std::move(shape);
  tensor.dtype_ = dtype;
  if (tensor.size_ > 0) {
    Storage::bytes_for(dtype, tensor.size_);  // the size fits the address space
    tensor.storage_ = std::make_shared<Storage>();
    // Never written through: `borrowed` makes the first write copy.
    tensor.storage_->data = const_cast<void*>(data);
    tensor.storage_->borrowed = true;
    tensor.storage_->owner = std::move(owner);
  }
  return tensor;
}

Tensor Tensor::full(DType dtype, Shape shape, double value) {
  Tensor tensor = uninitialized(dtype, std::move(shape));
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::ranges::fill(tensor.mutable_data<T>(), convert_element<T>(value));
  });
  return tensor;
}

std::size_t Tensor::size_bytes() const {
  return static_cast<std::size_t>(size_) * size_of(dtype_);
}

const void* Tensor::raw() const {
  if (dtype_ == DType::string) {
    throw InvalidArgument(
        "[tensor] expected raw bytes of numbers, got strings");
  }
  return elements();
}

void* Tensor::mutable_raw() {
  raw();  // refuses strings
  return mutable_elements();
}

const void* Tensor::elements() const {
  if (!storage_) return nullptr;
  if (dtype_ == DType::string) return storage_->strings.data() + offset_;
  return static_cast<const std::byte*>(storage_->data) +
         offset_ * size_of(dtype_);
}

void* Tensor::mutable_elements() {
  if (!storage_) return nullptr;
  bool own = !storage_->borrowed && storage_.use_count() == 1;
  if (own) {
    // use_count() is a relaxed read. Touching the count orders what follows
    // after the reads of the thread that gave up the other reference.
    const std::shared_ptr<Storage> order = storage_;
  } else {
    auto copy = Storage::make(dtype_, size_);
    if (dtype_ == DType::string) {
      const auto* from = static_cast<const std::string*>(elements());
      std::copy(from, from + size_, copy->strings.begin());
    } else {
      std::memcpy(copy->data, elements(), size_bytes());
    }
    storage_ = std::move(copy);
    offset_ = 0;
  }
  return const_cast<void*>(elements());
}

double Tensor::at(std::int64_t flat) const {
  if (flat < 0 || flat >= size_) {
    throw InvalidArgument(keratin::format(
        "[tensor] expected an element from 0 to {} of {}{}, got {}",
        size_ - 1,
        dtype_,
        shape_,
        flat));
  }
  return visit_dtype(dtype_, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return convert_element<double>(static_cast<const T*>(elements())[flat]);
  });
}

void Tensor::check_single() const {
  if (size_ != 1) {
    throw InvalidArgument(keratin::format(
        "[tensor] item() expected one element, got {}{}", dtype_, shape_));
  }
}

void Tensor::check_count(std::size_t count) const {
  if (count != static_cast<std::size_t>(size_)) {
    throw InvalidArgument(keratin::format(
        "[tensor] expected {} values for {}, got {}", size_, shape_, count));
  }
}

void Tensor::check_dtype(DType asked) const {
  if (asked != dtype_) {
    throw InvalidArgument(keratin::format(
        "[tensor] expected a tensor of {}, got {}{}; cast it first",
        asked,
        dtype_,
        shape_));
  }
}

Tensor Tensor::slice(std::int64_t begin, std::int64_t end) const {
  if (rank() == 0) {
    throw InvalidArgument("[tensor] slice expected rank >= 1, got a scalar");
  }
  if (begin < 0 || end < begin || end > shape_[0]) {
    throw InvalidArgument(keratin::format(
        "[tensor] slice expected 0 <= begin <= end <= {}, got [{}, {})",
        shape_[0],
        begin,
        end));
  }
  Tensor rows = *this;
  rows.shape_[0] = end - begin;
  rows.size_ = rows.shape_.size();
  if (rows.size_ == 0) {
    rows.storage_.reset();
    rows.offset_ = 0;
  } else {
    rows.offset_ += static_cast<std::size_t>(begin * (size_ / shape_[0]));
  }
  return rows;
}

Tensor Tensor::operator[](std::int64_t index) const {
  if (rank() == 0) {
    throw InvalidArgument("[tensor] a row expected rank >= 1, got a scalar");
  }
  if (index < 0 || index >= shape_[0]) {
    throw InvalidArgument(keratin::format(
        "[tensor] expected a row from 0 to {} of {}, got {}",
        shape_[0] - 1,
        shape_,
        index));
  }
  Tensor row = slice(index, index + 1);
  row.shape_ =
      Shape(std::vector<std::int64_t>(shape_.begin() + 1, shape_.end()));
  return row;
}

Tensor Tensor::take(std::span<const std::int64_t> indices) const {
  if (rank() == 0) {
    throw InvalidArgument("[tensor] take expected rank >= 1, got a scalar");
  }
  for (std::int64_t index : indices) {
    if (index < 0 || index >= shape_[0]) {
      throw InvalidArgument(keratin::format(
          "[tensor] take expected rows from 0 to {} of {}, got {}",
          shape_[0] - 1,
          shape_,
          index));
    }
  }
  Shape shape = shape_;
  shape[0] = static_cast<std::int64_t>(indices.size());
  Tensor out = uninitialized(dtype_, std::move(shape));
  if (out.size_ == 0) return out;
  const std::int64_t row = size_ / shape_[0];
  if (dtype_ == DType::string) {
    const auto* from = static_cast<const std::string*>(elements());
    auto* to = static_cast<std::string*>(out.mutable_elements());
    for (std::int64_t index : indices) {
      to = std::copy_n(from + index * row, row, to);
    }
    return out;
  }
  const auto* from = static_cast<const std::byte*>(elements());
  auto* to = static_cast<std::byte*>(out.mutable_elements());
  const std::size_t row_bytes = static_cast<std::size_t>(row) * size_of(dtype_);
  for (std::int64_t index : indices) {
    std::memcpy(
        to, from + static_cast<std::size_t>(index) * row_bytes, row_bytes);
    to += row_bytes;
  }
  return out;
}

Tensor Tensor::reshape(Shape shape) const {
  const std::int64_t unknown = std::count(shape.begin(), shape.end(), kUnknown);
  const Shape asked = shape;
  if (unknown == 1) {
    Shape known = shape;
    std::size_t open = 0;
    for (std::size_t i = 0; i < shape.rank(); ++i) {
      if (shape[i] == kUnknown) open = i;
    }
    known[open] = 1;
    const std::int64_t rest = known.size();
    if (rest > 0 && size_ % rest == 0) shape[open] = size_ / rest;
  }
  if (unknown > 1 || !shape.is_static() || shape.size() != size_) {
    throw InvalidArgument(keratin::format(
        "[tensor] reshape expected a shape of {} elements with at most one "
        "unknown dimension, got {} for {}",
        size_,
        asked,
        shape_));
  }
  Tensor out = *this;
  out.shape_ = std::move(shape);
  return out;
}

Tensor Tensor::cast(DType dtype) const {
  if (dtype == dtype_) return *this;
  if (dtype == DType::string || dtype_ == DType::string) {
    throw InvalidArgument(keratin::format(
        "[tensor] cast expected numbers or booleans, got {} to {}",
        dtype_,
        dtype));
  }
  Tensor out = uninitialized(dtype, shape_);
  visit_dtype(dtype_, [&](auto from_tag) {
    using From = typename decltype(from_tag)::type;
    visit_dtype(dtype, [&](auto to_tag) {
      using To = typename decltype(to_tag)::type;
      std::ranges::transform(
          data<From>(), out.mutable_data<To>().begin(), [](From value) {
            return convert_element<To>(value);
          });
    });
  });
  return out;
}

bool Tensor::operator==(const Tensor& other) const {
  if (dtype_ != other.dtype_ || shape_ != other.shape_) return false;
  if (size_ == 0) return true;
  if (dtype_ == DType::string) {
    return std::ranges::equal(data<std::string>(), other.data<std::string>());
  }
  return std::memcmp(elements(), other.elements(), size_bytes()) == 0;
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  return out << tensor.str();
}

}  // namespace keratin
