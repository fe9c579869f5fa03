#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <keratin/dtype.hpp>
#include <keratin/export.hpp>
#include <keratin/shape.hpp>
#include <keratin/tensor.hpp>

namespace keratin {

class Value;
struct VariableState;

struct VariableOptions {
  std::string name = "variable";
  bool trainable = true;
  /// Adds a term to the loss of every training step: a scalar of the value.
  std::function<Value(const Value&)> regularizer = {};
  /// Applied to the value after every optimizer step.
  std::function<Value(const Value&)> constraint = {};
};

/// Something that lives longer than one step: a weight, an optimizer slot, a
/// metric's sum, a random counter. A handle: copies name the same variable.
///
/// A training program keeps the value on its device; value() fetches it and
/// assign() replaces it there. Both may be called from any thread, but wait for
/// a step that is running.
class KERATIN_API Variable {
 public:
  Variable() = default;  // names nothing; only bool and == may be used

  explicit Variable(Tensor initial_value, VariableOptions options = {});

  explicit operator bool() const { return state_ != nullptr; }

  bool operator==(const Variable&) const = default;

  /// Last part of the path: "kernel".
  const std::string& name() const;

  /// "dense_1/kernel"; equal to name() until a layer adopts the variable.
  const std::string& path() const;

  DType dtype() const;
  const Shape& shape() const;
  bool trainable() const;
  void set_trainable(bool trainable);

  /// A copy of the value as it stands now.
  Tensor value() const;

  /// Replaces the value. Throws InvalidArgument when the shape differs; another
  /// dtype is cast.
  void assign(const Tensor& value);

  /// Unique for the life of the process.
  std::uint64_t id() const;

  /// What the library keeps behind the handle.
  VariableState& state() const { return *state_; }

 private:
  std::shared_ptr<VariableState> state_;
};

}  // namespace keratin
