#include "layers/recurrent/recurrent_layer.hpp"

#include <utility>

#include <keratin/error.hpp>

#include "layers/base/naming.hpp"
#include "layers/base/probe.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/ir/variable_state.hpp"

namespace keratin::layers {

RecurrentArguments read_recurrent_arguments(
    CallContext& ctx,
    const LayerImpl& layer,
    const CallInputs& inputs,
    std::size_t states) {
  const std::vector<std::string> names = {
      "sequences", "initial_state", "mask", "training", "constants"};
  RecurrentArguments out;
  std::size_t position = 0;
  for (const Argument<Value>& item : inputs.items) {
    std::string name = item.name;
    if (name.empty()) {
      if (position >= names.size()) {
        throw InvalidArgument(format(
            "{} expected at most {} positional arguments",
            layer.who(),
            names.size()));
      }
      name = names[position++];
    }
    if (name == "inputs" || name == "sequence") name = names[0];
    const std::vector<Value>& tensors = item.tensors;
    if (name == "sequences" && !tensors.empty()) {
      // Keras 2 also took a list of the sequence, the states and the constants.
      out.x = tensors[0];
      for (std::size_t i = 1; i < tensors.size(); ++i) {
        (i <= states ? out.initial_state : out.constants).push_back(tensors[i]);
      }
    } else if (name == "initial_state") {
      if (!tensors.empty()) out.initial_state = tensors;
    } else if (name == "constants") {
      if (!tensors.empty()) out.constants = tensors;
    } else if (name == "mask") {
      if (!tensors.empty()) out.mask = tensors[0];
    } else if (name != "training") {
      throw InvalidArgument(format(
          "{} takes no argument '{}'{}",
          layer.who(),
          name,
          did_you_mean(name, names)));
    }
  }
  if (!out.x) {
    throw InvalidArgument(format("{} got no input tensor", layer.who()));
  }
  if (!out.mask) out.mask = ctx.mask(out.x);
  return out;
}

std::string cudnn_problem(const CudnnArguments& arguments) {
  if (!arguments.use_cudnn.value_or(false)) return {};
  const auto is = [](const keratin::Activation& activation, const char* name) {
    const Config config = activation.to_config();
    return config.is_string() && config.as_string() == name;
  };
  const char* wanted = nullptr;
  if (!is(arguments.activation, "tanh")) {
    wanted = "activation \"tanh\"";
  } else if (!is(arguments.recurrent_activation, "sigmoid")) {
    wanted = "recurrent_activation \"sigmoid\"";
  } else if (arguments.unroll) {
    wanted = "unroll=false";
  } else if (!arguments.use_bias) {
    wanted = "use_bias=true";
  } else if (!arguments.reset_after) {
    wanted = "reset_after=true";
  } else if (arguments.recurrent_dropout > 0) {
    wanted = "recurrent_dropout=0";
  }
  if (wanted == nullptr) return {};
  return format(
      "expected {} together with use_cudnn=true; leave use_cudnn out", wanted);
}

// -- RecurrentImpl -----------------------------------------------------------

void RecurrentImpl::visit_loop(FieldVisitor& visit) {
  visit("return_sequences", loop_.return_sequences);
  visit("return_state", loop_.return_state);
  visit("go_backwards", loop_.go_backwards);
  visit("stateful", loop_.stateful);
  visit("unroll", loop_.unroll);
  visit("zero_output_for_mask", loop_.zero_output_for_mask);
}

void RecurrentImpl::from_config(
    const Config& config, const std::string& where) {
  Config known = config;
  if (const Config* time_major = known.find("time_major")) {
    if (time_major->is_bool() && time_major->as_bool()) {
      throw InvalidArgument(format(
          "[{}.time_major] expected false, got true: sequences have their "
          "steps on the second axis; put a Permute before the layer",
          where));
    }
    known.erase("time_major");
  }
  known.erase("num_constants");
  KerasLayer::from_config(known, where);
}

void RecurrentImpl::set_cell(const Layer& cell) {
  if (!is_cell(cell)) {
    fail(format(
        "expected a cell, got {}; derive one of your own from CellImpl",
        cell ? cell.impl().who() : std::string("none")));
  }
  cell_ = cell;
  clear_sublayers();
  add_sublayer("cell", cell_);
}

Config RecurrentImpl::build_config() const {
  if (build_shapes().empty()) return {};
  Config sequences = shape_config(build_shapes()[0]);
  if (initial_state_shapes_.empty()) {
    return Config::object({{"input_shape", std::move(sequences)}});
  }
  Config states = Config::array();
  for (const Shape& shape : initial_state_shapes_) {
    states.push_back(shape_config(shape));
  }
  return Config::object(
      {{"shapes_dict",
        Config::object(
            {{"sequences_shape", std::move(sequences)},
             {"initial_state_shape", std::move(states)}})}});
}

namespace {

/// [batch, steps, rest...] -> [batch, rest...]
Shape step_shape(const Shape& sequences) {
  Shape step = {sequences[0]};
  for (std::size_t i = 2; i < sequences.rank(); ++i) {
    step.push_back(sequences[i]);
  }
  return step;
}

Value swap_first_axes(const Value& x) {
  ops::Axes permutation = {1, 0};
  for (std::size_t i = 2; i < x.rank(); ++i) {
    permutation.push_back(static_cast<std::int64_t>(i));
  }
  return ops::transpose(x, permutation);
}

Shape with_batch(std::int64_t batch, const Shape& shape) {
  Shape out = {batch};
  for (const std::int64_t dim : shape) out.push_back(dim);
  return out;
}

}  // namespace

void RecurrentImpl::build(const std::vector<Shape>& inputs) {
  const Shape& sequences = inputs[0];
  const std::size_t rank = sequence_rank();
  if (rank == 0 ? sequences.rank() < 3 : sequences.rank() != rank) {
    fail(format(
        "expected a sequence of rank {}{}, [batch, steps, features...], got "
        "{}{}",
        rank == 0 ? ">= " : "",
        rank == 0 ? 3 : rank,
        sequences,
        sequences.rank() + 1 == (rank == 0 ? 3 : rank)
            ? "; add a batch or a feature axis"
            : ""));
  }
  cell_.impl().ensure_built({step_shape(sequences)});
}

/// A stateful layer's variables are made when the batch size is known.
void RecurrentImpl::prepare_states(const Value& x) {
  const std::int64_t batch = hide_probe(x.shape())[0];
  if (batch == kUnknown) {
    fail(
        "expected a known batch size for stateful=true, got None; give it "
        "as Input's batch_size");
  }
  if (!states_.empty()) {
    const std::int64_t expected = states_[0].shape()[0];
    if (batch == expected) return;
    fail(format(
        "expected batches of {} sequences, as the states of stateful=true "
        "have, got {}",
        expected,
        batch));
  }
  for (const Shape& shape : state_shapes(cell_)) {
    Variable state(
        Tensor(variable_dtype(), with_batch(batch, shape)),
        {.name = "rnn_state", .trainable = false});
    state.state().path = name() + "/rnn_state";
    states_.push_back(state);
  }
}

void RecurrentImpl::reset_states(const std::vector<Tensor>& values) {
  if (values.empty()) {
    for (Variable& state : states_) {
      state.assign(Tensor(state.dtype(), state.shape()));
    }
    return;
  }
  if (values.size() != states_.size()) {
    fail(format(
        "expected {} states, got {}{}",
        states_.size(),
        values.size(),
        states_.empty() ? " (the layer has not been called yet)" : ""));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].shape() == states_[i].shape()) continue;
    fail(format(
        "expected state {} of shape {}, got {}",
        i,
        states_[i].shape(),
        values[i].shape()));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    states_[i].assign(values[i]);
  }
}

/// Steps must be as the cell was built for.
void RecurrentImpl::check_sequence(const Value& x) const {
  const Shape& built = cell_.impl().build_shapes()[0];
  const Shape step = step_shape(hide_probe(x.shape()));
  bool fits = step.rank() == built.rank();
  for (std::size_t axis = 1; fits && axis < step.rank(); ++axis) {
    fits = built[axis] == kUnknown || step[axis] == built[axis];
  }
  if (!fits) {
    fail(format(
        "expected steps of shape {}, for which it was built, got {}",
        built.keras_str(),
        step.keras_str()));
  }
  if (x.shape()[1] == 0) fail("expected at least one step, got none");
  if (loop_.unroll && hide_probe(x.shape())[1] == kUnknown) {
    fail(
        "expected a known number of steps for unroll=true, got None; give it "
        "in Input");
  }
}

/// bool[batch, steps] or [batch, steps, 1] -> [steps, batch, 1]
Value RecurrentImpl::time_major_mask(const Value& mask, const Value& x) const {
  Value out = mask;
  if (out.rank() == 2) out = ops::expand_dims(out, -1);
  const bool fits = out.rank() == 3 && out.shape()[0] == x.shape()[0] &&
                    out.shape()[1] == x.shape()[1] && out.shape()[2] == 1;
  if (!fits) {
    fail(format(
        "expected a mask of shape {}, got {}",
        Shape{x.shape()[0], x.shape()[1]},
        mask.shape()));
  }
  if (out.dtype() != DType::boolean) out = ops::cast(out, DType::boolean);
  return swap_first_axes(out);
}

std::vector<Value> RecurrentImpl::first_states(
    CallContext& ctx, const RecurrentArguments& call) {
  const std::int64_t batch = call.x.shape()[0];
  std::vector<Value> states;
  if (!call.initial_state.empty()) {
    states = call.initial_state;
  } else if (loop_.stateful) {
    for (const Variable& state : states_) states.push_back(ctx.read(state));
  } else {
    states = initial_state(ctx, cell_, batch);
  }
  const std::vector<Shape> shapes = state_shapes(cell_);
  if (states.size() != shapes.size()) {
    fail(format(
        "expected an initial_state of {} tensors, got {}",
        shapes.size(),
        states.size()));
  }
  const DType dtype = cell_.impl().compute_dtype();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const Shape expected = with_batch(batch, shapes[i]);
    if (states[i].shape() != expected) {
      fail(format(
          "expected initial_state {} of shape {}, got {}",
          i,
          hide_probe(expected).keras_str(),
          hide_probe(states[i].shape()).keras_str()));
    }
    states[i] = ops::cast(states[i], dtype);
  }
  return states;
}

std::vector<Value> RecurrentImpl::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  const RecurrentArguments call =
      read_recurrent_arguments(ctx, *this, inputs, state_shapes(cell_).size());
  check_sequence(call.x);
  if (loop_.stateful) prepare_states(call.x);
  if (initial_state_shapes_.empty()) {
    for (const Value& state : call.initial_state) {
      Shape shape = hide_probe(state.shape());
      if (shape.rank() > 0)
        shape[0] = build_shapes().empty() ? kUnknown : build_shapes()[0][0];
      initial_state_shapes_.push_back(shape);
    }
  }
  const std::int64_t batch = call.x.shape()[0];
  Loop loop{.options = loop_, .owner = *this};
  loop.states = first_states(ctx, call);
  // A user's cell may start elsewhere.
  loop.starts_at_zero = call.initial_state.empty() && !loop_.stateful;
  loop.output_state = output_state(cell_);
  loop.run = start_cell(ctx, cell_, batch, call.constants);
  loop.xs = loop.run.project(swap_first_axes(call.x));
  if (call.mask) loop.mask = time_major_mask(call.mask, call.x);
  loop.output_spec = [&] {
    Arguments<Spec> specs(Spec{step_shape(call.x.shape()), call.x.dtype()});
    Argument<Spec> states{"states", {}, true};
    for (const Value& state : loop.states) {
      states.tensors.push_back({state.shape(), state.dtype()});
    }
    specs.items.push_back(std::move(states));
    if (!call.constants.empty()) {
      Argument<Spec> constants{"constants", {}, true};
      for (const Value& value : call.constants) {
        constants.tensors.push_back({value.shape(), value.dtype()});
      }
      specs.items.push_back(std::move(constants));
    }
    return cell_.impl().compute_output_spec(specs)[0];
  };
  LoopResult result = run_loop(ctx, loop);
  if (loop_.stateful) {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      ctx.assign(states_[i], result.states[i]);
    }
  }
  const DType dtype = compute_dtype();
  const Value output =
      loop_.return_sequences ? swap_first_axes(result.ys) : result.last;
  std::vector<Value> outputs = {ops::cast(output, dtype)};
  if (loop_.return_state) {
    for (const Value& state : result.states) {
      outputs.push_back(ops::cast(state, dtype));
    }
  }
  return outputs;
}

std::vector<Value> RecurrentImpl::compute_masks(
    CallContext& ctx,
    const CallInputs& inputs,
    const std::vector<Value>& outputs) {
  std::vector<Value> masks(outputs.size());
  if (loop_.return_sequences) {
    masks[0] =
        read_recurrent_arguments(ctx, *this, inputs, state_shapes(cell_).size())
            .mask;
  }
  return masks;
}

// -- handles -----------------------------------------------------------------

namespace {

/// The states of stacked cells as Keras nests them: a list per cell. The places
/// of the tensors in it, true each; null for a flat list.
Config nested_places(const LayerImpl& layer, std::size_t states) {
  const auto* recurrent = dynamic_cast<const RecurrentImpl*>(&layer);
  if (recurrent == nullptr) return {};
  const std::vector<std::size_t> groups = state_groups(recurrent->cell());
  std::size_t total = 0;
  Config places = Config::array();
  for (const std::size_t count : groups) {
    total += count;
    places.push_back(Config(Config::Array(count, Config(true))));
  }
  return total > 0 && total == states ? places : Config();
}

SymbolicInputs symbolic_arguments(
    LayerImpl& layer, const SymbolicTensor& x, const RecurrentCall& call) {
  SymbolicInputs inputs(x);
  if (!call.initial_state.empty()) {
    layer.ensure_built({x.shape()});  // a cell's states are known when built
    inputs.items.push_back(
        {"initial_state",
         call.initial_state,
         true,
         nested_places(layer, call.initial_state.size())});
  }
  if (call.mask) inputs.items.push_back({"mask", {call.mask}});
  if (!call.constants.empty()) {
    inputs.items.push_back({"constants", call.constants, true});
  }
  return inputs;
}

void collect_stateful(
    const LayerImpl& layer, std::vector<RecurrentImpl*>& found) {
  for (const auto& [attribute, inner] : layer.sublayers()) {
    if (auto* recurrent = dynamic_cast<RecurrentImpl*>(&inner.impl())) {
      if (recurrent->loop().stateful) found.push_back(recurrent);
    }
    collect_stateful(inner.impl(), found);
  }
}

std::vector<RecurrentImpl*> stateful_layers(const Layer& layer) {
  std::vector<RecurrentImpl*> found;
  if (auto* own = dynamic_cast<RecurrentImpl*>(&layer.impl())) {
    if (own->loop().stateful) found.push_back(own);
  }
  collect_stateful(layer.impl(), found);
  return found;
}

}  // namespace

SymbolicTensor RecurrentLayer::operator()(
    const SymbolicTensor& x, const RecurrentCall& call) const {
  const auto results = Layer::call(symbolic_arguments(impl(), x, call));
  if (results.size() != 1) {
    throw InvalidArgument(format(
        "{} yields {} tensors; use with_state() or call() to get them all",
        impl().who(),
        results.size()));
  }
  return results[0];
}

RecurrentResult RecurrentLayer::with_state(
    const SymbolicTensor& x, const RecurrentCall& call) const {
  const auto results = Layer::call(symbolic_arguments(impl(), x, call));
  return {results[0], {results.begin() + 1, results.end()}};
}

void RecurrentLayer::reset_states(const std::vector<Tensor>& states) const {
  const std::vector<RecurrentImpl*> found = stateful_layers(*this);
  if (found.empty()) {
    throw InvalidArgument(format(
        "{} has no states to reset: expected stateful=true", impl().who()));
  }
  if (states.empty()) {
    for (RecurrentImpl* layer : found) layer->reset_states({});
    return;
  }
  std::size_t wanted = 0;
  for (const RecurrentImpl* layer : found) wanted += layer->states().size();
  if (states.size() != wanted) {
    throw InvalidArgument(format(
        "{} expected {} states, got {}{}",
        impl().who(),
        wanted,
        states.size(),
        wanted == 0 ? " (the layer has not been called yet)" : ""));
  }
  auto next = states.begin();
  for (RecurrentImpl* layer : found) {
    const auto count = static_cast<std::ptrdiff_t>(layer->states().size());
    layer->reset_states({next, next + count});
    next += count;
  }
}

std::vector<Tensor> RecurrentLayer::states() const {
  std::vector<Tensor> out;
  for (const RecurrentImpl* layer : stateful_layers(*this)) {
    for (const Variable& state : layer->states()) {
      out.push_back(state.value());
    }
  }
  return out;
}

void reset_states(const Layer& layer) {
  for (RecurrentImpl* found : stateful_layers(layer)) found->reset_states({});
}

}  // namespace keratin::layers
