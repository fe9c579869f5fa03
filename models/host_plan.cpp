#include "models/host_plan.hpp"

#include <algorithm>
#include <utility>

#include <keratin/error.hpp>

#include "layers/base/symbolic_state.hpp"
#include "src/core/format.hpp"
#include "src/train/check_data.hpp"

namespace keratin {

namespace {

using Specs = Arguments<LayerImpl::Spec>;

Specs specs_of(const LayerImpl::CallNode& node) {
  Specs specs;
  for (const Argument<SymbolicTensor>& item : node.arguments.items) {
    Argument<LayerImpl::Spec> argument{
        item.name, {}, item.is_list, item.constant};
    for (const SymbolicTensor& tensor : item.tensors) {
      argument.tensors.push_back({tensor.shape(), tensor.dtype()});
    }
    specs.items.push_back(std::move(argument));
  }
  return specs;
}

bool yields_strings(const LayerImpl::CallNode& node) {
  for (const auto& weak : node.outputs) {
    const auto state = weak.lock();
    if (state && state->dtype == DType::string) return true;
  }
  return false;
}

bool takes_strings(const LayerImpl::CallNode& node) {
  for (const SymbolicTensor& tensor : node.arguments.tensors()) {
    if (tensor.dtype() == DType::string) return true;
  }
  return false;
}

}  // namespace

std::shared_ptr<const HostPlan> HostPlan::make(const FunctionalImpl& model) {
  // Not make_shared: the constructor is private.
  std::shared_ptr<HostPlan> plan(new HostPlan(model));
  if (!plan->any_) return nullptr;
  return plan;
}

HostPlan::HostPlan(const FunctionalImpl& model)
    : model_(model), who_(model.who()) {
  place_nodes();
  if (!any_) return;
  find_cut();
}

bool HostPlan::needs_host(const CallNode& node) const {
  if (takes_strings(node) || yields_strings(node)) return true;
  const auto* const host = dynamic_cast<const HostLayer*>(node.layer.get());
  return host != nullptr && host->needs_host(specs_of(node));
}

bool HostPlan::host_can(const CallNode& node) const {
  if (const auto found = nested_.find(&node); found != nested_.end()) {
    return found->second->graph_free();
  }
  return node.layer->weights().empty() && node.layer->seeds().empty();
}

const HostPlan* HostPlan::nested(const CallNode& node) const {
  const auto found = nested_.find(&node);
  if (found == nested_.end() || found->second->graph_free()) return nullptr;
  return found->second.get();
}

void HostPlan::place_nodes() {
  // Which results the host can have without the graph.
  std::unordered_set<const CallNode*> possible;
  std::unordered_set<const SymbolicState*> inputs;
  for (const SymbolicTensor& input : model_.inputs()) {
    inputs.insert(&input.state());
  }
  const auto is_input = [&](const SymbolicState& state) {
    return inputs.contains(&state) || state.node->arguments.items.empty();
  };
  for (const auto& node : model_.nodes()) {
    if (node->arguments.items.empty()) continue;  // an Input
    if (auto* inner = dynamic_cast<FunctionalImpl*>(node->layer.get())) {
      if (auto plan = inner->plan()) nested_.emplace(node.get(), plan);
    }
    bool reachable = host_can(*node);
    for (const SymbolicTensor& tensor : node->arguments.tensors()) {
      const SymbolicState& state = tensor.state();
      reachable =
          reachable && (is_input(state) || possible.contains(state.node.get()));
    }
    if (reachable) possible.insert(node.get());
  }
  // Backwards: what needs the host, and all it depends on.
  const auto& nodes = model_.nodes();
  for (auto at = nodes.rbegin(); at != nodes.rend(); ++at) {
    const CallNode& node = **at;
    if (node.arguments.items.empty()) continue;
    if (nested(node) != nullptr) {
      any_ = true;
      // The inputs of its host part must be the host's.
      const HostPlan& plan = *nested(node);
      const auto tensors = input_tensors(node.arguments);
      for (std::size_t i = 0; i < tensors.size(); ++i) {
        const SymbolicState& own = plan.model_.inputs()[i].state();
        if (plan.in_cut_.contains(&own) || is_input(tensors[i].state())) {
          continue;
        }
        places_[tensors[i].state().node.get()] = Place::before;
      }
    }
    const bool wanted = places_.contains(&node);
    if (!wanted && (nested(node) != nullptr || !needs_host(node))) continue;
    any_ = true;
    if (!possible.contains(&node)) {
      if (wanted) {
        throw InvalidArgument(format(
            "{} {} has weights or depends on layers with weights, but a layer "
            "behind it works on the host, before them; put that layer first",
            who_,
            node.layer->who()));
      }
      places_[&node] = Place::after;
      continue;
    }
    places_[&node] = Place::before;
    for (const SymbolicTensor& tensor : node.arguments.tensors()) {
      if (!is_input(tensor.state())) {
        places_[tensor.state().node.get()] = Place::before;
      }
    }
  }
  // An input that is a string needs the host even if nothing uses it.
  for (const SymbolicTensor& input : model_.inputs()) {
    any_ = any_ || input.dtype() == DType::string;
  }
  // Forwards: what depends on what comes after the graph comes after it, too.
  for (const auto& node : nodes) {
    if (node->arguments.items.empty()) continue;
    const auto place = places_.try_emplace(node.get(), Place::graph).first;
    for (const SymbolicTensor& tensor : node->arguments.tensors()) {
      const auto found = places_.find(tensor.state().node.get());
      if (found == places_.end() || found->second != Place::after) continue;
      if (!host_can(*node)) {
        throw InvalidArgument(format(
            "{} {} takes what {} yields on the host, after the graph, but has "
            "weights itself; layers on strings and categories come before "
            "layers with weights",
            who_,
            node->layer->who(),
            found->first->layer->who()));
      }
      place->second = Place::after;
    }
    switch (place->second) {
      case Place::before:
        before_.push_back(node);
        break;
      case Place::graph:
        graph_nodes_.push_back(node);
        break;
      case Place::after:
        after_.push_back(node);
        ends_in_graph_ = false;
        break;
    }
  }
}

void HostPlan::add_cut(const SymbolicState* state) {
  if (in_cut_.insert(state).second) cut_.push_back({.state = state});
}

void HostPlan::find_cut() {
  std::unordered_set<const SymbolicState*> from_graph;
  for (const auto& node : graph_nodes_) {
    for (const auto& weak : node->outputs) from_graph.insert(weak.lock().get());
  }
  const auto outside = [&](const SymbolicState* state) {
    return !from_graph.contains(state);
  };
  // The model's own inputs keep their order.
  std::unordered_set<const SymbolicState*> wanted;
  for (const auto& node : graph_nodes_) {
    const HostPlan* const inner = nested(*node);
    const auto tensors = inner == nullptr ? node->arguments.tensors()
                                          : input_tensors(node->arguments);
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const SymbolicState* state = &tensors[i].state();
      if (!outside(state)) continue;
      if (inner == nullptr ||
          inner->in_cut_.contains(&inner->model_.inputs()[i].state())) {
        wanted.insert(state);
      }
    }
  }
  std::vector<const SymbolicState*> yields;
  for (const SymbolicTensor& output : model_.outputs()) {
    const SymbolicState* state = &output.state();
    if (output.dtype() == DType::string) {
      ends_in_graph_ = false;
      continue;
    }
    const auto place = places_.find(state->node.get());
    if (place != places_.end() && place->second == Place::after) continue;
    if (outside(state)) wanted.insert(state);
    yields.push_back(state);
  }
  for (const SymbolicTensor& input : model_.inputs()) {
    if (wanted.contains(&input.state())) add_cut(&input.state());
  }
  for (const auto& node : before_) {
    for (const auto& weak : node->outputs) {
      const auto state = weak.lock();
      if (state && wanted.contains(state.get())) add_cut(state.get());
    }
  }
  for (const auto& node : graph_nodes_) {
    const HostPlan* const inner = nested(*node);
    if (inner == nullptr) continue;
    for (std::size_t i = 0; i < inner->cut_.size(); ++i) {
      if (inner->input_of(inner->cut_[i]) >= 0) continue;  // passes through
      cut_.push_back({.nested = node.get(), .index = i});
    }
  }
  graph_outputs_ = std::move(yields);
  for (const auto& node : after_) {
    for (const SymbolicTensor& tensor : node->arguments.tensors()) {
      const SymbolicState* state = &tensor.state();
      if (outside(state) ||
          std::find(graph_outputs_.begin(), graph_outputs_.end(), state) !=
              graph_outputs_.end()) {
        continue;
      }
      graph_outputs_.push_back(state);
    }
  }
}

bool HostPlan::runs_programs() const {
  for (const auto& [node, plan] : nested_) {
    if (plan->runs_programs()) return true;
  }
  return std::any_of(before_.begin(), before_.end(), [&](const auto& node) {
    return !nested_.contains(node.get()) &&
           dynamic_cast<const HostLayer*>(node->layer.get()) == nullptr;
  });
}

std::ptrdiff_t HostPlan::input_of(const Cut& cut) const {
  const auto& inputs = model_.inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (&inputs[i].state() == cut.state) return static_cast<std::ptrdiff_t>(i);
  }
  return -1;
}

// -- running
// --------------------------------------------------------------------

void HostPlan::run_node(const CallNode& node, HostValues& values) const {
  HostInputs inputs;
  for (const Argument<SymbolicTensor>& item : node.arguments.items) {
    Argument<Tensor> argument{item.name, {}, item.is_list, item.constant};
    for (const SymbolicTensor& tensor : item.tensors) {
      argument.tensors.push_back(values.at(&tensor.state()));
    }
    inputs.items.push_back(std::move(argument));
  }
  std::vector<Tensor> results;
  if (const auto found = nested_.find(&node); found != nested_.end()) {
    HostValues inner;
    found->second->before(input_tensors(inputs), inner);
    results = found->second->after(std::move(inner), {});
  } else if (auto* host = dynamic_cast<HostLayer*>(node.layer.get())) {
    results = host->call_host(inputs);
  } else {
    results = run_layer(*node.layer, inputs, programs_);
  }
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    if (const auto state = node.outputs[i].lock()) {
      values[state.get()] = results.at(i);
    }
  }
}

std::vector<Tensor> HostPlan::before(
    const std::vector<Tensor>& x, HostValues& values) const {
  const auto& inputs = model_.inputs();
  for (std::size_t i = 0; i < inputs.size() && i < x.size(); ++i) {
    if (x[i].shape() == Shape{0}) continue;  // of a nested model: the graph's
    const Shape shape = input_shape(inputs[i].shape(), x[i].shape());
    check_input(who_, inputs[i], shape);
    const bool fits = inputs[i].dtype() == x[i].dtype() ||
                      inputs[i].dtype() == DType::string ||
                      x[i].dtype() == DType::string;
    // As the graph casts what comes in.
    Tensor value = fits ? x[i] : x[i].cast(inputs[i].dtype());
    values[&inputs[i].state()] = value.reshape(shape);
  }
  for (const auto& node : before_) run_node(*node, values);
  std::vector<Tensor> out(cut_.size());
  for (std::size_t i = 0; i < cut_.size(); ++i) {
    const auto found = values.find(cut_[i].state);
    if (found != values.end()) out[i] = found->second;
  }
  // The host parts of nested models.
  std::unordered_map<const CallNode*, std::vector<Tensor>> inner;
  for (std::size_t i = 0; i < cut_.size(); ++i) {
    const CallNode* const node = cut_[i].nested;
    if (node == nullptr) continue;
    const auto [at, is_new] = inner.try_emplace(node);
    if (is_new) {
      std::vector<Tensor> arguments;
      for (const SymbolicTensor& tensor : input_tensors(node->arguments)) {
        const auto found = values.find(&tensor.state());
        arguments.push_back(found == values.end() ? Tensor() : found->second);
      }
      HostValues kept;
      at->second = nested_.at(node)->before(arguments, kept);
    }
    out[i] = at->second.at(cut_[i].index);
  }
  return out;
}

std::vector<Tensor> HostPlan::after(
    HostValues values, std::vector<Tensor> results) const {
  if (graph_free()) {
    // The graph would only hand its inputs on.
  } else {
    for (std::size_t i = 0; i < graph_outputs_.size(); ++i) {
      values[graph_outputs_[i]] = std::move(results.at(i));
    }
  }
  for (const auto& node : after_) run_node(*node, values);
  std::vector<Tensor> out;
  for (const SymbolicTensor& output : model_.outputs()) {
    out.push_back(values.at(&output.state()));
  }
  return out;
}

}  // namespace keratin
