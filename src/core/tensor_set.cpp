#include <utility>

#include <keratin/tensor_set.hpp>

namespace keratin {

TensorSet::TensorSet(std::vector<Named> named) {
  for (Named& item : named) {
    names_.push_back(std::move(item.first));
    tensors_.push_back(std::move(item.second));
  }
}

std::int64_t TensorSet::rows() const {
  if (tensors_.empty() || tensors_[0].rank() == 0) return 0;
  return tensors_[0].shape()[0];
}

TensorSet TensorSet::slice(std::int64_t begin, std::int64_t end) const {
  TensorSet out;
  out.names_ = names_;
  for (const Tensor& tensor : tensors_) {
    const bool none = tensor.shape() == Shape{0};
    out.tensors_.push_back(none ? tensor : tensor.slice(begin, end));
  }
  return out;
}

}  // namespace keratin
