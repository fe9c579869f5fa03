#include "models/sequential.hpp"

#include <set>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/host_layer.hpp>
#include <keratin/layers/input.hpp>

#include "layers/base/input_layer.hpp"
#include "layers/base/naming.hpp"
#include "src/core/format.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

namespace {

bool is_input(const Layer& layer) {
  return layer.class_name() == "InputLayer";
}

}  // namespace

namespace {

/// What a layer that works on the host takes: strings, else integers.
DType host_dtype(LayerImpl& layer, const Arguments<LayerImpl::Spec>& strings) {
  try {
    layer.compute_output_spec(strings);
    return DType::string;
  } catch (const InvalidArgument&) {
    return DType::i64;
  }
}

}  // namespace

SequentialImpl::SequentialImpl(std::string name) {
  set_name(std::move(name));
  single_input_ = true;
  single_output_ = true;
}

void SequentialImpl::add(const std::vector<Layer>& layers) {
  std::vector<Layer> stack = stack_;
  std::set<std::string> names;
  for (const Layer& layer : stack) names.insert(layer.name());
  for (const Layer& layer : layers) {
    if (!layer) fail("got an empty layer");
    if (!names.insert(layer.name()).second) {
      fail(format(
          "has two layers named '{}'; give each layer a name of its own",
          layer.name()));
    }
    if (is_input(layer) && !stack.empty()) {
      fail(format(
          "got the input '{}' after other layers; an Input comes first",
          layer.name()));
    }
    stack.push_back(layer);
  }
  std::swap(stack_, stack);
  trainer().reset();  // programs of the former stack
  try {
    rebuild();
  } catch (...) {
    stack_ = std::move(stack);
    throw;
  }
}

void SequentialImpl::pop() {
  if (layers().empty()) fail("has no layer to take away");
  stack_.pop_back();
  trainer().reset();
  rebuild();
}

void SequentialImpl::rebuild() {
  clear_sublayers();
  for (const Layer& layer : layers()) add_sublayer(layer.name(), layer);
  inputs_.clear();
  outputs_.clear();
  nodes_.clear();
  if (stack_.size() < 2 || !is_input(stack_[0])) return;
  const SymbolicTensor input =
      static_cast<InputLayerImpl&>(stack_[0].impl()).tensor();
  const NameScope scope(name(), static_cast<LayerImpl*>(this));
  SymbolicTensor x = input;
  for (const Layer& layer : layers()) x = layer(x);
  set_graph({input}, {x});
  clear_sublayers();  // the input layer is not one of a Sequential's layers
  for (const Layer& layer : layers()) add_sublayer(layer.name(), layer);
}

void SequentialImpl::build(const std::vector<Shape>& input_shapes) {
  if (!nodes_.empty()) return;
  if (layers().empty()) fail("has no layers; add one first");
  if (input_shapes.size() != 1) {
    fail(format("expected one input, got {}", input_shapes.size()));
  }
  Shape shape = input_shapes[0];
  if (shape.empty()) fail("expected an input with a batch axis, got a scalar");
  shape[0] = kUnknown;
  LayerImpl& first = stack_[0].impl();
  // A layer that takes integers as they are gets them as they are.
  DType dtype = first.casts_inputs() ? first.compute_dtype() : DType::i32;
  if (const auto* host = dynamic_cast<const HostLayer*>(&first)) {
    const Arguments<Spec> strings({shape, DType::string});
    if (host->needs_host(strings)) dtype = host_dtype(first, strings);
  }
  stack_.insert(
      stack_.begin(),
      Layer(std::make_shared<InputLayerImpl>(shape, dtype, std::string())));
  try {
    rebuild();
  } catch (...) {
    stack_.erase(stack_.begin());
    rebuild();
    throw;
  }
}

std::vector<Value> SequentialImpl::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  if (nodes_.empty()) fail("has no layers; add one first");
  return FunctionalImpl::call_many(ctx, inputs);
}

std::vector<LayerImpl::Spec> SequentialImpl::compute_output_spec(
    const Arguments<Spec>& inputs) {
  if (nodes_.empty()) fail("has no layers; add one first");
  return FunctionalImpl::compute_output_spec(inputs);
}

std::vector<Layer> SequentialImpl::layers() const {
  const std::size_t skip = !stack_.empty() && is_input(stack_[0]) ? 1 : 0;
  return {stack_.begin() + static_cast<std::ptrdiff_t>(skip), stack_.end()};
}

Config SequentialImpl::get_config() const {
  Config list = Config::array();
  for (const Layer& layer : stack_) {
    list.push_back(serialize_built(layer.impl()));
  }
  Config out = Config::object(
      {{"name", name()},
       {"trainable", trainable()},
       {"dtype", dtype_policy().to_config()},
       {"layers", std::move(list)}});
  if (!inputs_.empty()) {
    out["build_input_shape"] = stack_[0].impl().get_config().at("batch_shape");
  }
  return out;
}

void SequentialImpl::from_config(
    const Config& config, const std::string& where) {
  // The very first dialect is a bare list of layers.
  const Config::Array& list =
      config.is_array() ? config.as_array() : config.at("layers").as_array();
  std::vector<Layer> layers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    layers.push_back(
        deserialize_layer(list[i], format("{}.layers[{}]", where, i)));
  }
  if (const Config name = config.get("name"); !name.is_null()) {
    set_name(name.as_string());
  }
  single_input_ = true;
  single_output_ = true;
  add(layers);
  const Config shape = config.get("build_input_shape");
  if (!built() && shape.is_array()) {
    std::vector<std::int64_t> dims;
    for (const Config& dim : shape.as_array()) {
      dims.push_back(dim.is_null() ? kUnknown : dim.as_int());
    }
    ensure_built({Shape(std::move(dims))});
  }
  if (const Config flag = config.get("trainable");
      flag.is_bool() && !flag.as_bool()) {
    set_trainable(false);
  }
}

}  // namespace keratin
