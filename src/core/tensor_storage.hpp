#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <keratin/tensor.hpp>

namespace keratin {

/// The elements that tensors share. Only tensor.cpp and its like see it.
struct Tensor::Storage {
  void* data = nullptr;              // 64-byte aligned unless borrowed
  std::vector<std::string> strings;  // instead of data, for string tensors
  std::shared_ptr<void> owner;       // keeps borrowed data alive
  bool borrowed = false;

  Storage() = default;
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  /// Memory for `count` elements. Throws InvalidArgument when the bytes
  /// overflow, SystemError when there are not that many.
  static std::shared_ptr<Storage> make(DType dtype, std::int64_t count);

  static std::size_t bytes_for(DType dtype, std::int64_t count);
};

}  // namespace keratin
