#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <keratin/dtype.hpp>
#include <keratin/export.hpp>
#include <keratin/shape.hpp>

namespace keratin {

struct SymbolicState;

/// What `Input` and `layer(x)` return (Keras's KerasTensor): a shape, possibly
/// with unknown dimensions, a dtype, and the layer it comes from. No data.
/// A handle.
class KERATIN_API SymbolicTensor {
 public:
  SymbolicTensor() = default;  // none

  explicit SymbolicTensor(std::shared_ptr<SymbolicState> state)
      : state_(std::move(state)) {}

  explicit operator bool() const { return state_ != nullptr; }

  bool operator==(const SymbolicTensor&) const = default;

  const Shape& shape() const;
  DType dtype() const;
  const std::string& name() const;

  std::size_t rank() const { return shape().rank(); }

  SymbolicState& state() const { return *state_; }

 private:
  std::shared_ptr<SymbolicState> state_;
};

}  // namespace keratin
