#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <keratin/activations.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>

/// Recurrent layers and their cells.
///
/// A cell makes one step: from x_t and its states an output and the next
/// states. A recurrent layer runs a cell over the steps of a sequence, as one
/// loop of the program whatever its length; what does not depend on the states
/// (the products with the kernel) is computed for all steps at once, before it.
///
///   x: [batch, steps, features]
///   y: [batch, units], or [batch, steps, units] with return_sequences
///
/// Masks are bool[batch, steps]: a masked step leaves the states as they are
/// and repeats the output before it (or zeros, zero_output_for_mask). They
/// travel with x or are given by RecurrentCall.
namespace keratin::layers {

// -- cells -------------------------------------------------------------------

struct SimpleRNNCellOptions {
  keratin::Activation activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;            // of x, one choice for all steps
  double recurrent_dropout = 0;  // of the state, one choice for all steps
  std::optional<std::int64_t> seed = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

struct LSTMCellOptions {
  keratin::Activation activation = "tanh";
  keratin::Activation recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  // the forget gate's bias starts at 1
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  /// 1: dropout chooses for each gate; 2: once for all gates. As in Keras, 1
  /// where there is recurrent_dropout, and not written to files.
  std::int64_t implementation = 2;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

struct GRUCellOptions {
  keratin::Activation activation = "tanh";
  keratin::Activation recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  bool reset_after = true;  // the reset gate acts after the product
  std::optional<std::int64_t> seed = {};
  std::int64_t implementation = 2;  // as LSTMCell's
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// h' = activation(x . kernel + h . recurrent_kernel + bias); y = h'.
///
///   x: [batch, in]   h, y: [batch, units]
///   kernel: [in, units]   recurrent_kernel: [units, units]   bias: [units]
class KERATIN_API SimpleRNNCell : public Layer {
 public:
  explicit SimpleRNNCell(std::int64_t units, SimpleRNNCellOptions options = {});
};

/// Long short-term memory (Hochreiter & Schmidhuber, 1997). States h and c.
///
///   i, f, g, o = split(x . kernel + h . recurrent_kernel + bias)
///   c' = sigmoid(f) * c + sigmoid(i) * tanh(g)
///   y = h' = sigmoid(o) * tanh(c')
///
///   kernel: [in, 4 units]   recurrent_kernel: [units, 4 units]
class KERATIN_API LSTMCell : public Layer {
 public:
  explicit LSTMCell(std::int64_t units, LSTMCellOptions options = {});
};

/// Gated recurrent unit (Cho et al., 2014). One state, h.
///
///   z = sigmoid(x . Kz + h . Rz)    r = sigmoid(x . Kr + h . Rr)
///   g = tanh(x . Kg + r * (h . Rg))          with reset_after
///   g = tanh(x . Kg + (r * h) . Rg)          without
///   y = h' = z * h + (1 - z) * g
///
///   kernel: [in, 3 units]   recurrent_kernel: [units, 3 units]
///   bias: [2, 3 units] with reset_after, else [3 units]
class KERATIN_API GRUCell : public Layer {
 public:
  explicit GRUCell(std::int64_t units, GRUCellOptions options = {});
};

struct StackedRNNCellsOptions {
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Cells one on the other as one cell: its states are those of all of them,
/// the first cell's first.
class KERATIN_API StackedRNNCells : public Layer {
 public:
  explicit StackedRNNCells(
      std::vector<Layer> cells, StackedRNNCellsOptions options = {});
};

/// What a cell of one's own derives from.
///
///   class MinimalCell final : public kt::layers::CellImpl {
///    public:
///     std::string class_name() const override { return "MinimalCell"; }
///     void fields(kt::FieldVisitor& visit) override {
///       LayerImpl::fields(visit);
///       visit("units", units_, {.required = true});
///     }
///     void build(const std::vector<kt::Shape>& inputs) override {
///       kernel_ = add_weight("kernel", {inputs[0].back(), units_});
///       recurrent_ = add_weight("recurrent_kernel", {units_, units_});
///     }
///     std::vector<kt::Shape> state_shapes() const override {
///       return {{units_}};
///     }
///     std::vector<kt::Value> step(
///         kt::CallContext& ctx, const kt::Value& x,
///         const std::vector<kt::Value>& states) override {
///       const kt::Value y =
///           kt::ops::matmul(x, ctx.read(kernel_)) +
///           kt::ops::matmul(states[0], ctx.read(recurrent_));
///       return {y, y};
///     }
///     ...
///   };
///   kt::layers::RNN(kt::make_layer<MinimalCell>(32))
///
/// A step is traced once for all steps: it may not assign variables of its own
/// (pass unroll = true where it must).
class KERATIN_API CellImpl : public LayerImpl {
 public:
  using LayerImpl::LayerImpl;

  /// The states' shapes without the batch axis. Asked when built.
  virtual std::vector<Shape> state_shapes() const = 0;

  /// The output, then the next states.
  virtual std::vector<Value> step(
      CallContext& ctx, const Value& x, const std::vector<Value>& states) = 0;

  /// The same with what RecurrentCall::constants gave. The base fails unless
  /// there are none.
  virtual std::vector<Value> step_with(
      CallContext& ctx,
      const Value& x,
      const std::vector<Value>& states,
      const std::vector<Value>& constants);

  /// The states a sequence starts with; the base gives zeros.
  virtual std::vector<Value> initial_state(
      CallContext& ctx, std::int64_t batch);

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;
};

// -- recurrent layers --------------------------------------------------------

/// What recurrent layers are called with beside the sequence.
struct RecurrentCall {
  std::vector<SymbolicTensor> initial_state = {};  // all of them, or none
  SymbolicTensor mask = {};                        // bool[batch, steps]
  std::vector<SymbolicTensor> constants = {};      // for cells of one's own
};

struct RecurrentResult {
  SymbolicTensor output;
  std::vector<SymbolicTensor> states;  // with return_state
};

/// What all recurrent layers can do.
class KERATIN_API RecurrentLayer : public Layer {
 public:
  using Layer::operator();

  /// REQUIRES: return_state = false.
  SymbolicTensor operator()(
      const SymbolicTensor& x, const RecurrentCall& call) const;

  /// With return_state: the output and the states after the last step.
  RecurrentResult with_state(
      const SymbolicTensor& x, const RecurrentCall& call = {}) const;

  /// The states of a stateful layer become zeros (or `states`).
  void reset_states(const std::vector<Tensor>& states = {}) const;

  /// The states of a stateful layer; none before it is built.
  std::vector<Tensor> states() const;

 protected:
  using Layer::Layer;
};

/// Sets the states of all stateful layers in a layer or model to zeros.
KERATIN_API void reset_states(const Layer& layer);

struct RNNOptions {
  bool return_sequences = false;
  bool return_state = false;  // also yield the states after the last step
  bool go_backwards = false;  // last step first, also in what is returned
  bool stateful = false;      // a batch starts where the one before it ended
  bool unroll = false;        // no loop: the graph has every step
  bool zero_output_for_mask = false;
  Regularizer activity_regularizer = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Runs a cell, one of Keras's or one's own, over a sequence.
class KERATIN_API RNN : public RecurrentLayer {
 public:
  explicit RNN(Layer cell, RNNOptions options = {});

  /// Of StackedRNNCells.
  explicit RNN(std::vector<Layer> cells, RNNOptions options = {});
};

struct SimpleRNNOptions {
  keratin::Activation activation = "tanh";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  std::optional<std::int64_t> seed = {};
  bool zero_output_for_mask = false;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// RNN over SimpleRNNCell.
class KERATIN_API SimpleRNN : public RecurrentLayer {
 public:
  explicit SimpleRNN(std::int64_t units, SimpleRNNOptions options = {});
};

struct LSTMOptions {
  keratin::Activation activation = "tanh";
  keratin::Activation recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  /// "auto" when not given. How the loop runs is the backend's choice either
  /// way; true checks that the arguments are those cuDNN knows.
  std::optional<bool> use_cudnn = {};
  std::int64_t implementation = 2;  // as LSTMCell's
  bool zero_output_for_mask = false;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// RNN over LSTMCell; states h and c.
class KERATIN_API LSTM : public RecurrentLayer {
 public:
  explicit LSTM(std::int64_t units, LSTMOptions options = {});
};

struct GRUOptions {
  keratin::Activation activation = "tanh";
  keratin::Activation recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool reset_after = true;
  std::optional<bool> use_cudnn = {};  // as LSTM's
  std::int64_t implementation = 2;     // as LSTMCell's
  bool zero_output_for_mask = false;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// RNN over GRUCell.
class KERATIN_API GRU : public RecurrentLayer {
 public:
  explicit GRU(std::int64_t units, GRUOptions options = {});
};

struct ConvLSTMOptions {
  Dims strides = 1;  // of the convolution of x; not together with dilation
  std::string padding = "valid";  // or "same"; that of the states is "same"
  std::optional<std::string> data_format = {};  // "channels_last"
  Dims dilation_rate = 1;
  keratin::Activation activation = "tanh";
  keratin::Activation recurrent_activation = "sigmoid";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer recurrent_initializer = "orthogonal";
  Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;
  Regularizer kernel_regularizer = {};
  Regularizer recurrent_regularizer = {};
  Regularizer bias_regularizer = {};
  Regularizer activity_regularizer = {};
  Constraint kernel_constraint = {};
  Constraint recurrent_constraint = {};
  Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::int64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool unroll = false;
  bool zero_output_for_mask = false;
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// An LSTM whose products are convolutions (Shi et al., 2015).
///
///   x: [batch, steps, spatial..., channels]
///   y, h, c: [batch, spatial'..., filters], y with steps where sequences are
///     returned; channels before the spatial axes with "channels_first"
///   kernel: [kernel_size..., channels, 4 filters]
///   recurrent_kernel: [kernel_size..., filters, 4 filters]
class KERATIN_API ConvLSTM1D : public RecurrentLayer {
 public:
  ConvLSTM1D(
      std::int64_t filters, Dims kernel_size, ConvLSTMOptions options = {});
};

class KERATIN_API ConvLSTM2D : public RecurrentLayer {
 public:
  ConvLSTM2D(
      std::int64_t filters, Dims kernel_size, ConvLSTMOptions options = {});
};

class KERATIN_API ConvLSTM3D : public RecurrentLayer {
 public:
  ConvLSTM3D(
      std::int64_t filters, Dims kernel_size, ConvLSTMOptions options = {});
};

}  // namespace keratin::layers
