#pragma once

#include <memory>
#include <string>

#include <keratin/layer.hpp>

namespace keratin {

/// The layer behind `Input`: no inputs, one output given when the model is
/// called.
class InputLayerImpl final : public LayerImpl {
 public:
  InputLayerImpl();  // for reading a config
  InputLayerImpl(Shape batch_shape, DType dtype, std::string name);

  std::string class_name() const override { return "InputLayer"; }

  std::string module() const override { return "keras.layers"; }

  void fields(FieldVisitor& visit) override;
  void from_config(const Config& config, const std::string& where) override;
  Config get_config() const override;

  bool casts_inputs() const override { return false; }

  const Shape& batch_shape() const { return batch_shape_; }

  DType input_dtype() const { return input_dtype_; }

  /// The symbolic tensor it stands for; made at the first call, and again when
  /// the former is gone.
  SymbolicTensor tensor();

 private:
  Shape batch_shape_;
  DType input_dtype_ = DType::f32;
  bool optional_ = false;
  Config shape_field_;  // what `fields` shows of the two above
  std::string dtype_field_;
};

std::shared_ptr<LayerImpl> make_input_layer();

}  // namespace keratin
