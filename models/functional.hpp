#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <keratin/model.hpp>

#include "src/train/host_part.hpp"

namespace keratin {

class HostPlan;

/// A graph of layers from input tensors to output tensors (Keras's Functional).
///
/// When some of them need the host, a graph of operations holds the rest: then
/// call takes the cut of the plan (host_plan.hpp) instead of the inputs, and
/// yields the plan's graph outputs.
class FunctionalImpl : public ModelImpl, public HasHostPart {
 public:
  FunctionalImpl() = default;  // for reading a config
  FunctionalImpl(
      std::vector<SymbolicTensor> inputs,
      std::vector<SymbolicTensor> outputs,
      std::string name,
      bool single_input = false,
      bool single_output = false);

  std::string class_name() const override { return "Functional"; }

  std::string module() const override { return "keras.src.models.functional"; }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;
  std::vector<Spec> compute_output_spec(const Arguments<Spec>& inputs) override;

  Config get_config() const override;
  void from_config(const Config& config, const std::string& where) override;

  std::vector<Layer> layers() const override;
  std::vector<std::string> input_names() const override;
  std::vector<std::string> output_names() const override;
  std::vector<Spec> input_specs() const override;
  std::vector<Spec> output_specs() const override;

  const std::vector<SymbolicTensor>& inputs() const { return inputs_; }

  const std::vector<SymbolicTensor>& outputs() const { return outputs_; }

  /// Null when the graph does it all.
  const std::shared_ptr<const HostPlan>& plan() const { return plan_; }

  std::shared_ptr<const HostPart> host_part() const override;

  /// The calls, each after those it depends on.
  const std::vector<std::shared_ptr<CallNode>>& nodes() const { return nodes_; }

 protected:
  void set_graph(
      std::vector<SymbolicTensor> inputs, std::vector<SymbolicTensor> outputs);

  std::vector<Value> call_graph_part(
      CallContext& ctx, const CallInputs& inputs) const;

  /// Calls the node's layer, in the mode that the node keeps if it keeps one.
  std::vector<Value> invoke_node(
      CallContext& ctx, const CallNode& node, const CallInputs& inputs) const;

  std::vector<SymbolicTensor> inputs_;
  std::vector<SymbolicTensor> outputs_;
  std::vector<std::shared_ptr<CallNode>> nodes_;
  std::shared_ptr<const HostPlan> plan_;

  // Calls of Keras 2 with `training` given, which holds in fit and in predict.
  // (Keras 3's give way to the mode that the model runs in.)
  std::unordered_map<const CallNode*, bool> kept_training_;

  // Whether inputs and outputs were given as one tensor, not as a list: Keras
  // tells the two apart in its files and in what predict returns.
  bool single_input_ = false;
  bool single_output_ = false;
};

/// The tensors of a model's call in the order of its inputs: all but its masks.
template <class T>
std::vector<T> input_tensors(const Arguments<T>& arguments) {
  std::vector<T> tensors;
  for (const Argument<T>& item : arguments.items) {
    if (item.name == "mask") continue;
    tensors.insert(tensors.end(), item.tensors.begin(), item.tensors.end());
  }
  return tensors;
}

/// Throws InvalidArgument "input 'in0': expected shape (None, 5), got [3,4]"
/// unless the shape fits the input.
void check_input(
    const std::string& who, const SymbolicTensor& expected, const Shape& got);

/// Keras's order of the layers and calls between inputs and outputs
/// (map_graph): deepest first, then as a depth-first walk from the outputs
/// meets them. Throws InvalidArgument when an output depends on a tensor that
/// is not among the inputs, and for two layers of one name.
struct FunctionalGraph {
  std::vector<std::shared_ptr<LayerImpl::CallNode>> nodes;
  std::vector<std::shared_ptr<LayerImpl>> layers;
};

FunctionalGraph map_graph(
    const std::string& who,
    const std::vector<SymbolicTensor>& inputs,
    const std::vector<SymbolicTensor>& outputs);

/// Makes the classes of models known to deserialize_layer. Called by everything
/// that reads models.
void register_model_classes();

/// Keras's build_config of a layer, or null when it was not built.
Config build_config(const LayerImpl& layer);

/// A layer as models write it: serialize() plus build_config.
Config serialize_built(const LayerImpl& layer);

}  // namespace keratin
