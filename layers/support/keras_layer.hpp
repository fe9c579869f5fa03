#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <keratin/layer.hpp>
#include <keratin/ops.hpp>

#include "layers/support/lora.hpp"

namespace keratin::layers {

/// What Keratin's own layers derive from: module "keras.layers", arguments
/// checked whether they come from C++ or from a file.
///
/// A final class calls settle() at the end of the constructor that takes
/// options; from_config calls it after reading.
class KerasLayer : public LayerImpl {
 public:
  KerasLayer() = default;

  /// Options structs end in name, dtype and trainable.
  template <class Options>
  explicit KerasLayer(const Options& options)
      : LayerImpl(options.name, options.dtype, options.trainable) {}

  std::string module() const override { return "keras.layers"; }

  /// Adds activity_regularizer, which every Keras layer takes.
  void fields(FieldVisitor& visit) override;
  Config get_config() const override;
  void from_config(const Config& config, const std::string& where) override;

  /// Whether a second tensor may be given, the keyword argument "mask".
  virtual bool takes_mask() const { return false; }

  /// The name of Keras's Python class, from which groups in weights files have
  /// theirs.
  virtual std::string python_name() const { return class_name(); }

  /// What Keras's build_from_config needs; null: one input_shape per tensor.
  virtual Config build_config() const { return {}; }

  /// Low-rank adaptation of one of the layer's weights; null: none offered.
  virtual const Lora* lora() const { return nullptr; }

  // -- in files
  // -----------------------------------------------------------------

  /// The layer's own variables that files hold, in order, and their values
  /// there.
  virtual std::vector<Variable> file_weights() const;
  Tensor file_value(const Variable& variable) const;

  /// Call after file_weights() have got their values from a file.
  void after_load() const;

 protected:
  /// Checks the arguments and brings them into the form that configs hold
  /// (kernel_size 3 -> {3, 3}). Overrides call the base first, which checks
  /// what fields() says about choices and bounds.
  virtual void settle();

  /// Makes the matrices of lora(), if it has a rank.
  void build_lora(
      Lora& lora,
      const Variable& weight,
      const std::string& stem,
      const Regularizer& regularizer);

  /// Keras trains no adapted weight under a constraint.
  [[noreturn]] void fail_lora_constraint() const;

  /// Whether Keras writes activity_regularizer also when there is none.
  virtual bool writes_activity_regularizer() const { return false; }

  /// Fails unless there is one input shape (and a mask's where the layer takes
  /// one), of rank >= minimum.
  void expect_min_rank(
      const std::vector<Shape>& inputs, std::size_t minimum) const;

  /// As expect_min_rank, for one rank.
  void expect_rank(const std::vector<Shape>& inputs, std::size_t rank) const;

  /// The extent of one axis, which must be known.
  std::int64_t known_dim(const Shape& input, std::int64_t axis) const;

  /// Fails unless `axis` of x has the extent the weights were made for.
  void expect_dim(
      const Value& x, std::int64_t axis, std::int64_t expected) const;

  /// The axis counted from the front; fails when out of range.
  std::size_t axis_of(const Shape& shape, std::int64_t axis) const;

  /// The mask given as keyword argument, else the one travelling with the first
  /// input; empty when there is none.
  static Value call_mask(CallContext& ctx, const CallInputs& inputs);
};

/// A list of axes counted from the front, in ascending order, without
/// repetition.
std::vector<std::int64_t> sorted_axes(
    const Shape& shape,
    const std::vector<std::int64_t>& axes,
    const std::string& who);

/// float16 and bfloat16 become float32: the dtype sums are safe in.
DType wide_dtype(DType dtype);

/// x moved so that `axis` comes last; the permutation undone by the second.
Value axis_to_last(const Value& x, std::size_t axis);
Value axis_from_last(const Value& x, std::size_t axis);

/// [n, c, spatial...] -> [n, spatial..., c] and back.
Value channels_to_last(const Value& x);
Value channels_to_first(const Value& x);

/// As configs hold shapes: null for unknown extents.
Config shape_config(const Shape& shape);

/// A list of numbers, nested lists of numbers or a number as a tensor, and
/// back. Also reads Keras's {"class_name": "__numpy__" or "__tensor__"}.
Tensor tensor_from_config(const Config& config, const std::string& where);
Config tensor_to_config(const Tensor& tensor);

}  // namespace keratin::layers
