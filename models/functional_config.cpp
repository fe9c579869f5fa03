// The JSON of functional models, in Keras 3's dialect.

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include <keratin/error.hpp>

#include "layers/base/input_layer.hpp"
#include "layers/base/operation.hpp"
#include "layers/base/symbolic_state.hpp"
#include "layers/support/keras_layer.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

using CallNode = LayerImpl::CallNode;

Config shape_config(const Shape& shape) {
  Config out = Config::array();
  for (const std::int64_t dim : shape) {
    out.push_back(dim == kUnknown ? Config() : Config(dim));
  }
  return out;
}

/// Which of a layer's calls inside this model a node is.
class NodeIndex {
 public:
  explicit NodeIndex(const std::vector<std::shared_ptr<CallNode>>& nodes) {
    // A layer's own order of calls, those of this model only.
    std::unordered_map<const CallNode*, bool> inside;
    for (const auto& node : nodes) inside[node.get()] = true;
    std::unordered_map<const LayerImpl*, bool> done;
    for (const auto& node : nodes) {
      if (done[node->layer.get()]) continue;
      done[node->layer.get()] = true;
      std::int64_t count = 0;
      for (const auto& weak : node->layer->call_nodes()) {
        const auto call = weak.lock();
        if (!call || !inside.contains(call.get())) continue;
        index_[call.get()] = count++;
        calls_[node->layer.get()].push_back(call);
      }
    }
  }

  std::int64_t of(const CallNode& node) const { return index_.at(&node); }

  const std::vector<std::shared_ptr<CallNode>>& calls(
      const LayerImpl& layer) const {
    return calls_.at(&layer);
  }

 private:
  std::unordered_map<const CallNode*, std::int64_t> index_;
  std::unordered_map<const LayerImpl*, std::vector<std::shared_ptr<CallNode>>>
      calls_;
};

Config history(const SymbolicTensor& tensor, const NodeIndex& index) {
  const SymbolicState& state = tensor.state();
  return Config::array(
      {state.node->layer->name(),
       index.of(*state.node),
       static_cast<std::int64_t>(state.index)});
}

Config tensor_config(const SymbolicTensor& tensor, const NodeIndex& index) {
  return Config::object(
      {{"class_name", "__keras_tensor__"},
       {"config",
        Config::object(
            {{"shape", shape_config(tensor.shape())},
             {"dtype", name_of(tensor.dtype())},
             {"keras_history", history(tensor, index)}})}});
}

/// The places of a list, see fill, with the tensors that belong there.
Config places_config(
    const Config& place,
    const std::vector<SymbolicTensor>& tensors,
    std::size_t& next,
    const NodeIndex& index) {
  if (place == Config(true)) return tensor_config(tensors[next++], index);
  if (!place.is_array()) return place;
  Config list = Config::array();
  for (const Config& item : place.as_array()) {
    list.push_back(places_config(item, tensors, next, index));
  }
  return list;
}

Config argument_config(
    const Argument<SymbolicTensor>& argument, const NodeIndex& index) {
  if (argument.tensors.empty() && !argument.is_list) return argument.constant;
  if (!argument.is_list) return tensor_config(argument.tensors[0], index);
  if (argument.constant.is_array()) {  // with others between, see fill
    std::size_t next = 0;
    return places_config(argument.constant, argument.tensors, next, index);
  }
  Config list = Config::array();
  for (const SymbolicTensor& tensor : argument.tensors) {
    list.push_back(tensor_config(tensor, index));
  }
  return list;
}

Config node_config(const CallNode& node, const NodeIndex& index) {
  Config args = Config::array();
  Config kwargs = Config::object();
  for (const auto& argument : node.arguments.items) {
    if (argument.name.empty()) {
      args.push_back(argument_config(argument, index));
    } else {
      kwargs[argument.name] = argument_config(argument, index);
    }
  }
  return Config::object(
      {{"args", std::move(args)}, {"kwargs", std::move(kwargs)}});
}

/// [name, call, result] of the model's inputs or outputs. Keras counts the
/// calls of a nested functional model from one there.
Config ends_config(
    const std::vector<SymbolicTensor>& tensors,
    bool single,
    const NodeIndex& index) {
  Config list = Config::array();
  for (const SymbolicTensor& tensor : tensors) {
    Config end = history(tensor, index);
    if (tensor.state().node->layer->class_name() == "Functional") {
      end.as_array()[1] = end.as_array()[1].as_int() + 1;
    }
    list.push_back(std::move(end));
  }
  return single ? list.as_array()[0] : list;
}

}  // namespace

Config build_config(const LayerImpl& layer) {
  if (!layer.built() || layer.class_name() == "InputLayer") return {};
  if (layer.class_name() == "Functional") {
    return Config::object({{"input_shape", nullptr}});
  }
  if (const auto* keras = dynamic_cast<const layers::KerasLayer*>(&layer)) {
    Config own = keras->build_config();
    if (!own.is_null()) return own;
  }
  const std::vector<Shape>& shapes = layer.build_shapes();
  if (shapes.empty()) return {};
  if (shapes.size() == 1) {
    return Config::object({{"input_shape", shape_config(shapes[0])}});
  }
  Config list = Config::array();
  for (const Shape& shape : shapes) list.push_back(shape_config(shape));
  return Config::object({{"input_shape", std::move(list)}});
}

Config serialize_built(const LayerImpl& layer) {
  Config out = serialize(layer);
  if (dynamic_cast<const OperationImpl*>(&layer) != nullptr) {
    // Keras's operations are not built.
    out["registered_name"] = layer.class_name();
    return out;
  }
  if (layer.class_name() == "Functional") {
    out["registered_name"] = "Functional";
  }
  Config build = build_config(layer);
  if (!build.is_null()) out["build_config"] = std::move(build);
  return out;
}

Config FunctionalImpl::get_config() const {
  const NodeIndex index(nodes_);
  Config layers = Config::array();
  for (const auto& [name, layer] : sublayers()) {
    Config config = serialize_built(layer.impl());
    config["name"] = layer.name();
    Config nodes = Config::array();
    for (const auto& node : index.calls(layer.impl())) {
      if (node->arguments.items.empty()) continue;
      Config call = node_config(*node, index);
      if (kept_training_.contains(node.get())) call["keeps_training"] = true;
      nodes.push_back(std::move(call));
    }
    config["inbound_nodes"] = std::move(nodes);
    layers.push_back(std::move(config));
  }
  return Config::object(
      {{"name", this->name()},
       {"trainable", trainable()},
       {"layers", std::move(layers)},
       {"input_layers", ends_config(inputs_, single_input_, index)},
       {"output_layers", ends_config(outputs_, single_output_, index)}});
}

}  // namespace keratin
