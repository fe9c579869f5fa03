#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <keratin/layers/recurrent.hpp>

#include "layers/support/keras_layer.hpp"

namespace keratin::layers {

/// A cell during one call of a recurrent layer. Made before the loop: weights
/// are read and dropout has chosen.
struct CellRun {
  /// The part of a step that needs no state, of one step [batch, ...] or of all
  /// [steps, batch, ...].
  std::function<Value(const Value& x)> project;

  /// From a step's projection and the states the output and the next states.
  std::function<std::vector<Value>(
      const Value& projected, const std::vector<Value>& states)>
      step;
};

/// What the cells here derive from.
class KerasCell : public KerasLayer {
 public:
  KerasCell() = default;

  template <class Options>
  explicit KerasCell(const Options& options) : KerasLayer(options) {}

  /// As LayerImpl's: a cell has no activity_regularizer.
  void fields(FieldVisitor& visit) override { LayerImpl::fields(visit); }

  virtual std::vector<Shape> state_shapes() const = 0;  // no batch axis

  /// The state that is the output, too.
  virtual std::optional<std::size_t> output_state() const = 0;

  /// How many states each of several cells inside has; empty: no such cells.
  virtual std::vector<std::size_t> state_groups() const { return {}; }

  virtual CellRun start(CallContext& ctx, std::int64_t batch) = 0;

  virtual std::vector<Value> initial_state(
      CallContext& ctx, std::int64_t batch);

  /// cell(x, states): the output and the next states.
  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;
};

// -- of any cell, Keras's or the user's --------------------------------------

bool is_cell(const Layer& layer);

/// REQUIRES: the cell is built.
std::vector<Shape> state_shapes(const Layer& cell);
std::optional<std::size_t> output_state(const Layer& cell);
std::vector<std::size_t> state_groups(const Layer& cell);
std::vector<Value> initial_state(
    CallContext& ctx, const Layer& cell, std::int64_t batch);
CellRun start_cell(
    CallContext& ctx,
    const Layer& cell,
    std::int64_t batch,
    const std::vector<Value>& constants = {});

// -- for the cells -----------------------------------------------------------

/// Weights of a step: kernel, recurrent kernel and bias, which may be missing.
struct CellWeights {
  Variable kernel;
  Variable recurrent;
  Variable bias;
};

/// `count` masks of a shape with 1 / (1 - rate) for what is kept, 0 for what is
/// dropped; none when there is nothing to drop.
std::vector<Value> dropout_masks(
    CallContext& ctx,
    const Variable& seed,
    const Shape& shape,
    double rate,
    std::size_t count);

/// x . kernel, where the masks (none, one for all, or one per gate) apply to x.
Value masked_product(
    const Value& x, const Value& kernel, const std::vector<Value>& masks);

/// Gate `index` of `count` along the last axis.
Value gate(const Value& x, std::size_t index, std::size_t count);

/// `initializer` with ones for the second of four gates.
Initializer forget_bias(const Initializer& initializer);

/// The arguments of all cells after `units` and the activations.
template <class Options>
void visit_weights(FieldVisitor& visit, Options& options) {
  visit("use_bias", options.use_bias);
  visit("kernel_initializer", options.kernel_initializer);
  visit("recurrent_initializer", options.recurrent_initializer);
  visit("bias_initializer", options.bias_initializer);
}

template <class Options>
void visit_penalties(FieldVisitor& visit, Options& options) {
  visit("kernel_regularizer", options.kernel_regularizer);
  visit("recurrent_regularizer", options.recurrent_regularizer);
  visit("bias_regularizer", options.bias_regularizer);
}

template <class Options>
void visit_constraints(FieldVisitor& visit, Options& options) {
  visit("kernel_constraint", options.kernel_constraint);
  visit("recurrent_constraint", options.recurrent_constraint);
  visit("bias_constraint", options.bias_constraint);
  visit("dropout", options.dropout, {.minimum = 0, .maximum = 1});
  visit(
      "recurrent_dropout",
      options.recurrent_dropout,
      {.minimum = 0, .maximum = 1});
}

/// What the cells' weights are made with.
template <class Options>
WeightOptions kernel_options(const Options& options) {
  return {
      .initializer = options.kernel_initializer,
      .regularizer = options.kernel_regularizer,
      .constraint = options.kernel_constraint};
}

template <class Options>
WeightOptions recurrent_options(const Options& options) {
  return {
      .initializer = options.recurrent_initializer,
      .regularizer = options.recurrent_regularizer,
      .constraint = options.recurrent_constraint};
}

template <class Options>
WeightOptions bias_options(const Options& options) {
  return {
      .initializer = options.bias_initializer,
      .regularizer = options.bias_regularizer,
      .constraint = options.bias_constraint};
}

/// The arguments that the options of a layer and those of its cell share.
template <class To, class From>
To cell_options(const From& from) {
  To to;
  to.activation = from.activation;
  to.use_bias = from.use_bias;
  to.kernel_initializer = from.kernel_initializer;
  to.recurrent_initializer = from.recurrent_initializer;
  to.bias_initializer = from.bias_initializer;
  to.kernel_regularizer = from.kernel_regularizer;
  to.recurrent_regularizer = from.recurrent_regularizer;
  to.bias_regularizer = from.bias_regularizer;
  to.kernel_constraint = from.kernel_constraint;
  to.recurrent_constraint = from.recurrent_constraint;
  to.bias_constraint = from.bias_constraint;
  to.dropout = from.dropout;
  to.recurrent_dropout = from.recurrent_dropout;
  to.seed = from.seed;
  return to;
}

}  // namespace keratin::layers
