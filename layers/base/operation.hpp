#pragma once

#include <memory>
#include <string>

#include <keratin/layer.hpp>

#include "layers/base/operation_table.hpp"

namespace keratin {

/// One of Keras's operations as a node of a functional model: what a function
/// of ops makes of symbolic tensors. Has no weights, drops masks, casts nothing
/// but what the operation itself promotes.
class OperationImpl final : public LayerImpl {
 public:
  /// `config` holds some of the operation's arguments; the others take their
  /// defaults.
  OperationImpl(const Operation& operation, const Config& config);

  std::string class_name() const override { return operation_.name; }

  std::string module() const override;  // "keras.src.ops.numpy"

  bool casts_inputs() const override { return false; }

  Config get_config() const override;
  void from_config(const Config& config, const std::string& where) override;

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;

 private:
  const Operation& operation_;
  Config arguments_;
};

/// Whether a serialized object is one of Keras's operations, not a layer (some
/// share their names: Add, Softmax, ...).
bool is_operation(const Config& serialized);

/// The operation a serialized object describes, its config not read yet. Throws
/// InvalidArgument naming the nearest when there is none of that name.
std::shared_ptr<LayerImpl> make_operation(
    const std::string& class_name, const std::string& where);

}  // namespace keratin
