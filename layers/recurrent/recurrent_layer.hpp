#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/layers/recurrent.hpp>

#include "layers/recurrent/loop.hpp"

namespace keratin::layers {

template <class Options>
LoopOptions loop_options(const Options& options) {
  return {
      options.return_sequences,
      options.return_state,
      options.go_backwards,
      options.stateful,
      options.unroll,
      options.zero_output_for_mask};
}

/// The arguments of a recurrent layer's call as Keras's signature has them:
/// (sequences, initial_state, mask, training, constants), or a list of the
/// sequence and the states.
struct RecurrentArguments {
  Value x;
  std::vector<Value> initial_state;
  std::vector<Value> constants;
  Value mask;
};

RecurrentArguments read_recurrent_arguments(
    CallContext& ctx,
    const LayerImpl& layer,
    const CallInputs& inputs,
    std::size_t states);

/// Runs a cell over the steps of a sequence. What RNN, LSTM and the others
/// derive from; they make the cell in settle().
class RecurrentImpl : public KerasLayer {
 public:
  RecurrentImpl() = default;

  template <class Options>
  explicit RecurrentImpl(const Options& options)
      : KerasLayer(options), loop_(loop_options(options)) {
    activity_regularizer_ = options.activity_regularizer;
  }

  const LoopOptions& loop() const { return loop_; }

  void set_zero_output_for_mask(bool zero) {
    loop_.zero_output_for_mask = zero;
  }

  bool supports_masking() const override { return true; }

  bool takes_mask() const override { return true; }

  Config build_config() const override;

  /// Takes what Keras 2 wrote and Keras 3 has no more: time_major = false,
  /// num_constants.
  void from_config(const Config& config, const std::string& where) override;

  void build(const std::vector<Shape>& inputs) override;
  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;
  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override;

  const Layer& cell() const { return cell_; }

  /// The states of a stateful layer, once they exist.
  const std::vector<Variable>& states() const { return states_; }

  /// To zeros, or to `values`.
  void reset_states(const std::vector<Tensor>& values);

 protected:
  /// Visits the arguments of LoopOptions, as Keras's RNN writes them.
  void visit_loop(FieldVisitor& visit);

  /// The cell from now on.
  void set_cell(const Layer& cell);

  /// The rank of a sequence, 0 for any.
  virtual std::size_t sequence_rank() const { return 3; }

 private:
  Value time_major_mask(const Value& mask, const Value& x) const;
  void check_sequence(const Value& x) const;
  void prepare_states(const Value& x);
  std::vector<Value> first_states(
      CallContext& ctx, const RecurrentArguments& call);

  LoopOptions loop_;
  Layer cell_;
  std::vector<Variable> states_;
  std::vector<Shape> initial_state_shapes_;  // of the call that built the layer
};

struct CudnnArguments {
  std::optional<bool> use_cudnn;
  const keratin::Activation& activation;
  const keratin::Activation& recurrent_activation;
  bool unroll;
  bool use_bias;
  bool reset_after;
  double recurrent_dropout;
};

/// What is not as use_cudnn = true needs it; empty: nothing.
std::string cudnn_problem(const CudnnArguments& arguments);

}  // namespace keratin::layers
