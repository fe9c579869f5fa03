#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/tensor.hpp>

namespace keratin {

/// The arrays of a model's inputs or targets: one, several in order, or several
/// by name. Every one has the same number of rows. Tensor() among targets or
/// sample weights stands for none, as Keras's None does; an output without a
/// loss or metrics needs no target.
class KERATIN_API TensorSet {
 public:
  using Named = std::pair<std::string, Tensor>;

  TensorSet() = default;

  // NOLINTBEGIN(google-explicit-constructor): arrays read as sets of one
  TensorSet(Tensor tensor) : tensors_{std::move(tensor)} {}

  TensorSet(std::vector<Tensor> tensors) : tensors_(std::move(tensors)) {}

  TensorSet(std::initializer_list<Tensor> tensors) : tensors_(tensors) {}

  TensorSet(std::vector<Named> named);

  TensorSet(std::initializer_list<Named> named)
      : TensorSet(std::vector<Named>(named)) {}

  // NOLINTEND(google-explicit-constructor)

  bool empty() const { return tensors_.empty(); }

  std::size_t size() const { return tensors_.size(); }

  /// Rows of the first array; 0 when empty.
  std::int64_t rows() const;

  const std::vector<Tensor>& tensors() const { return tensors_; }

  /// As many as tensors; empty when they are in order.
  const std::vector<std::string>& names() const { return names_; }

  TensorSet slice(std::int64_t begin, std::int64_t end) const;

 private:
  std::vector<Tensor> tensors_;
  std::vector<std::string> names_;
};

}  // namespace keratin
