#include "models/functional.hpp"

#include <unordered_map>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "layers/base/operation.hpp"
#include "layers/base/symbolic_state.hpp"
#include "layers/support/call_arguments.hpp"
#include "models/host_plan.hpp"
#include "src/core/format.hpp"
#include "src/train/check_data.hpp"

namespace keratin {

FunctionalImpl::FunctionalImpl(
    std::vector<SymbolicTensor> inputs,
    std::vector<SymbolicTensor> outputs,
    std::string name,
    bool single_input,
    bool single_output)
    : ModelImpl(std::move(name)),
      single_input_(single_input),
      single_output_(single_output) {
  set_graph(std::move(inputs), std::move(outputs));
}

void FunctionalImpl::set_graph(
    std::vector<SymbolicTensor> inputs, std::vector<SymbolicTensor> outputs) {
  FunctionalGraph graph = map_graph(who(), inputs, outputs);
  inputs_ = std::move(inputs);
  outputs_ = std::move(outputs);
  nodes_ = std::move(graph.nodes);
  plan_ = HostPlan::make(*this);
  clear_sublayers();
  for (const auto& layer : graph.layers) {
    add_sublayer(layer->name(), Layer(layer));
  }
  std::vector<Shape> shapes;
  for (const SymbolicTensor& input : inputs_) shapes.push_back(input.shape());
  ensure_built(shapes);
}

void check_input(
    const std::string& who, const SymbolicTensor& expected, const Shape& got) {
  const Shape& want = expected.shape();
  bool fits = want.rank() == got.rank();
  for (std::size_t axis = 0; fits && axis < got.rank(); ++axis) {
    fits = want[axis] == kUnknown || got[axis] == kUnknown ||
           want[axis] == got[axis];
  }
  if (fits) return;
  std::string fix;
  if (got.rank() + 1 == want.rank()) {
    fix = "; a batch axis seems to be missing";
  }
  throw InvalidArgument(format(
      "{} input '{}': expected shape {}, got {}{}",
      who,
      expected.state().node->layer->name(),
      want.keras_str(),
      got.keras_str(),
      fix));
}

namespace {

template <class T>
std::vector<T> by_position(
    const std::string& who,
    const std::vector<SymbolicTensor>& inputs,
    const Arguments<T>& arguments) {
  std::vector<T> tensors = input_tensors(arguments);
  if (tensors.size() != inputs.size()) {
    throw InvalidArgument(format(
        "{} expected {} input tensors, got {}",
        who,
        inputs.size(),
        tensors.size()));
  }
  return tensors;
}

/// The masks that a call names, by input; empty where there is none.
std::vector<Value> given_masks(const CallInputs& inputs, std::size_t count) {
  const Argument<Value>* given = inputs.find("mask");
  std::vector<Value> masks =
      given != nullptr ? layers::list_of(*given) : std::vector<Value>();
  masks.resize(count);
  return masks;
}

/// The arguments of a call with what stands for its symbolic tensors.
template <class T>
Arguments<T> fill_in(
    const SymbolicInputs& arguments,
    const std::unordered_map<const SymbolicState*, T>& known) {
  Arguments<T> out;
  for (const Argument<SymbolicTensor>& item : arguments.items) {
    Argument<T> filled{item.name, {}, item.is_list, item.constant};
    for (const SymbolicTensor& tensor : item.tensors) {
      filled.tensors.push_back(known.at(&tensor.state()));
    }
    out.items.push_back(std::move(filled));
  }
  return out;
}

/// Sets the mode of a pass for the time of a scope.
class TrainingScope {
 public:
  TrainingScope(CallContext& ctx, bool training)
      : ctx_(ctx), before_(ctx.training()) {
    ctx.set_training(training);
  }

  ~TrainingScope() { ctx_.set_training(before_); }

  TrainingScope(const TrainingScope&) = delete;
  TrainingScope& operator=(const TrainingScope&) = delete;

 private:
  CallContext& ctx_;
  bool before_;
};

/// Runs the calls in order; `invoke(node, arguments)` yields the results.
template <class T, class Invoke>
std::vector<T> run_nodes(
    const FunctionalImpl& model, std::vector<T> inputs, Invoke&& invoke) {
  std::unordered_map<const SymbolicState*, T> known;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    known.emplace(&model.inputs()[i].state(), std::move(inputs[i]));
  }
  for (const auto& node : model.nodes()) {
    bool wanted = false;
    for (const auto& weak : node->outputs) {
      const auto state = weak.lock();
      wanted = wanted || (state && !known.contains(state.get()));
    }
    if (!wanted || node->arguments.items.empty()) continue;
    std::vector<T> results = invoke(*node, fill_in<T>(node->arguments, known));
    for (std::size_t i = 0; i < node->outputs.size(); ++i) {
      if (const auto state = node->outputs[i].lock()) {
        known.emplace(state.get(), results[i]);
      }
    }
  }
  std::vector<T> outputs;
  for (const SymbolicTensor& output : model.outputs()) {
    outputs.push_back(known.at(&output.state()));
  }
  return outputs;
}

}  // namespace

std::shared_ptr<const HostPart> FunctionalImpl::host_part() const {
  return plan_;
}

std::vector<Value> FunctionalImpl::invoke_node(
    CallContext& ctx, const CallNode& node, const CallInputs& inputs) const {
  const auto kept = kept_training_.find(&node);
  const TrainingScope scope(
      ctx, kept != kept_training_.end() ? kept->second : ctx.training());
  return node.layer->invoke(ctx, inputs);
}

std::vector<Value> FunctionalImpl::call_graph_part(
    CallContext& ctx, const CallInputs& inputs) const {
  const std::vector<Value> values = input_tensors(inputs);
  const auto& cut = plan_->cut();
  if (values.size() != cut.size()) {
    fail(format(
        "has layers on strings or categories, which work before the graph: use "
        "it in a functional or Sequential model (expected {} tensors, got {})",
        cut.size(),
        values.size()));
  }
  std::unordered_map<const SymbolicState*, Value> known;
  std::unordered_map<const CallNode*, std::vector<Value>> inner;
  for (std::size_t i = 0; i < cut.size(); ++i) {
    if (cut[i].state == nullptr) {
      inner[cut[i].nested].push_back(values[i]);
      continue;
    }
    const Value& value = values[i];
    const bool is_input = plan_->input_of(cut[i]) >= 0;
    if (is_input && value.dtype() != cut[i].state->dtype) {
      known.emplace(cut[i].state, ops::cast(value, cut[i].state->dtype));
    } else {
      known.emplace(cut[i].state, value);
    }
  }
  for (const auto& node : plan_->graph_nodes()) {
    std::vector<Value> results;
    if (const HostPlan* plan = plan_->nested(*node)) {
      // Its own inputs pass through; what its host part yields is in our cut.
      const auto tensors = input_tensors(node->arguments);
      std::vector<Value> arguments;
      std::size_t next = 0;
      for (const HostPlan::Cut& item : plan->cut()) {
        const std::ptrdiff_t input = plan->input_of(item);
        arguments.push_back(
            input >= 0
                ? known.at(&tensors[static_cast<std::size_t>(input)].state())
                : inner.at(node.get()).at(next++));
      }
      results = invoke_node(ctx, *node, CallInputs(std::move(arguments)));
    } else {
      results = invoke_node(ctx, *node, fill_in<Value>(node->arguments, known));
    }
    for (std::size_t i = 0; i < node->outputs.size(); ++i) {
      if (const auto state = node->outputs[i].lock()) {
        known.emplace(state.get(), results.at(i));
      }
    }
  }
  std::vector<Value> outputs;
  for (const SymbolicState* state : plan_->graph_outputs()) {
    outputs.push_back(known.at(state));
  }
  return outputs;
}

std::vector<Value> FunctionalImpl::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  if (plan_) return call_graph_part(ctx, inputs);
  std::vector<Value> values = by_position(who(), inputs_, inputs);
  const std::vector<Value> masks = given_masks(inputs, values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    Value mask = masks[i];
    const Shape shape = input_shape(inputs_[i].shape(), values[i].shape());
    check_input(who(), inputs_[i], shape);
    if (shape != values[i].shape()) {
      values[i] = ops::reshape(values[i], shape);
    } else if (!mask) {
      mask = ctx.mask(values[i]);
    }
    // Bytes and doubles become what the Input says, inside the program.
    if (values[i].dtype() != inputs_[i].dtype()) {
      values[i] = ops::cast(values[i], inputs_[i].dtype());
    }
    if (mask) ctx.set_mask(values[i], mask);
  }
  return run_nodes<Value>(
      *this, values, [&](const CallNode& node, const CallInputs& arguments) {
        return invoke_node(ctx, node, arguments);
      });
}

std::vector<LayerImpl::Spec> FunctionalImpl::compute_output_spec(
    const Arguments<Spec>& inputs) {
  std::vector<Spec> specs = by_position(who(), inputs_, inputs);
  bool as_built = true;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    specs[i].shape = input_shape(inputs_[i].shape(), specs[i].shape);
    check_input(who(), inputs_[i], specs[i].shape);
    as_built = as_built && specs[i].shape == inputs_[i].shape();
  }
  if (as_built) {
    std::vector<Spec> out;
    for (const SymbolicTensor& output : outputs_) {
      out.push_back({output.shape(), output.dtype()});
    }
    return out;
  }
  return run_nodes<Spec>(
      *this, specs, [](const CallNode& node, const Arguments<Spec>& arguments) {
        return node.layer->compute_output_spec(arguments);
      });
}

std::vector<Layer> FunctionalImpl::layers() const {
  std::vector<Layer> out;
  for (const auto& [name, layer] : sublayers()) {
    // As in Keras, operations are part of the graph, not layers.
    if (dynamic_cast<const OperationImpl*>(&layer.impl()) != nullptr) continue;
    out.push_back(layer);
  }
  return out;
}

std::vector<std::string> FunctionalImpl::input_names() const {
  std::vector<std::string> names;
  for (const SymbolicTensor& input : inputs_) {
    names.push_back(input.state().node->layer->name());
  }
  return names;
}

std::vector<std::string> FunctionalImpl::output_names() const {
  std::vector<std::string> names;
  for (const SymbolicTensor& output : outputs_) {
    names.push_back(output.state().node->layer->name());
  }
  return names;
}

std::vector<LayerImpl::Spec> FunctionalImpl::input_specs() const {
  std::vector<Spec> specs;
  for (const SymbolicTensor& input : inputs_) {
    specs.push_back({input.shape(), input.dtype()});
  }
  return specs;
}

std::vector<LayerImpl::Spec> FunctionalImpl::output_specs() const {
  std::vector<Spec> specs;
  for (const SymbolicTensor& output : outputs_) {
    specs.push_back({output.shape(), output.dtype()});
  }
  return specs;
}

}  // namespace keratin
