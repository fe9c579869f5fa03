#include "layers/base/input_layer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers/input.hpp>

#include "layers/base/dtype_override.hpp"
#include "layers/base/naming.hpp"
#include "layers/base/symbolic_state.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

Config shape_config(const Shape& shape) {
  Config out = Config::array();
  for (const std::int64_t dim : shape) {
    out.push_back(dim == kUnknown ? Config() : Config(dim));
  }
  return out;
}

Shape shape_from_config(const Config& config) {
  std::vector<std::int64_t> dims;
  for (const Config& dim : config.as_array()) {
    dims.push_back(dim.is_null() ? kUnknown : dim.as_int());
  }
  return Shape(std::move(dims));
}

}  // namespace

InputLayerImpl::InputLayerImpl() : LayerImpl({}, DTypePolicy("float32")) {}

InputLayerImpl::InputLayerImpl(Shape batch_shape, DType dtype, std::string name)
    : LayerImpl(
          name.empty() ? unique_name("input_layer") : std::move(name),
          DTypePolicy(dtype)),
      batch_shape_(std::move(batch_shape)),
      input_dtype_(dtype) {}

void InputLayerImpl::fields(FieldVisitor& visit) {
  // For listings and the schema; get_config and from_config below know that
  // dimensions may be null and that the dtype is a name, not a policy.
  shape_field_ = shape_config(batch_shape_);
  dtype_field_ = name_of(input_dtype_);
  visit("batch_shape", shape_field_);
  visit("dtype", dtype_field_);
  visit("optional", optional_);
}

Config InputLayerImpl::get_config() const {
  return Config::object(
      {{"batch_shape", shape_config(batch_shape_)},
       {"dtype", name_of(input_dtype_)},
       {"sparse", false},
       {"ragged", false},
       {"name", name()},
       {"optional", optional_}});
}

void InputLayerImpl::from_config(
    const Config& config, const std::string& where) {
  const std::vector<std::string> known = {
      "batch_shape",
      "batch_input_shape",
      "shape",
      "batch_size",
      "dtype",
      "sparse",
      "ragged",
      "name",
      "optional",
      "trainable"};
  if (!config.is_object()) {
    throw InvalidArgument(
        format("[{}] expected an object, got {}", where, config.kind()));
  }
  for (const auto& [key, value] : config.as_object()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw InvalidArgument(format(
          "[{}] InputLayer has no argument '{}'{}",
          where,
          key,
          did_you_mean(key, known)));
    }
  }
  try {
    Shape shape;
    if (const Config* batch_shape = config.find("batch_shape")) {
      shape = shape_from_config(*batch_shape);
    } else if (const Config* old = config.find("batch_input_shape")) {
      shape = shape_from_config(*old);
    } else {
      const Shape rest = shape_from_config(config.at("shape"));
      const Config batch = config.get("batch_size");
      shape.push_back(batch.is_null() ? kUnknown : batch.as_int());
      for (const std::int64_t dim : rest) shape.push_back(dim);
    }
    for (const char* flag : {"sparse", "ragged"}) {
      if (config.contains(flag) && config.at(flag).is_bool() &&
          config.at(flag).as_bool()) {
        throw InvalidArgument(format("{} inputs are not dense arrays", flag));
      }
    }
    DType dtype = DType::f32;
    if (const Config* name = config.find("dtype"); name && !name->is_null()) {
      DTypePolicy policy;
      policy.from_config(*name, where + ".dtype");
      dtype = policy.compute_dtype();
    }
    const Config layer_name = config.get("name");
    batch_shape_ = std::move(shape);
    input_dtype_ = dtype;
    optional_ = config.get("optional", false).as_bool();
    if (!layer_name.is_null()) set_name(layer_name.as_string());
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("[{}] {}", where, error.what()));
  }
}

SymbolicTensor InputLayerImpl::tensor() {
  for (const auto& weak : call_nodes()) {
    const auto node = weak.lock();
    if (!node) continue;
    if (auto state = node->outputs[0].lock()) {
      return SymbolicTensor(std::move(state));
    }
  }
  auto node = std::make_shared<CallNode>();
  node->layer = shared_from_this();
  record_call(node);
  ensure_built({});
  return make_symbolic(node, batch_shape_, input_dtype_, name());
}

std::shared_ptr<LayerImpl> make_input_layer() {
  return std::make_shared<InputLayerImpl>();
}

namespace layers {

namespace {

Shape with_batch(const Shape& shape, const InputOptions& options) {
  Shape out;
  out.push_back(options.batch_size.value_or(kUnknown));
  for (const std::int64_t dim : shape) out.push_back(dim);
  return Shape(std::vector<std::int64_t>(out.begin(), out.end()));
}

}  // namespace

Input::Input(const Shape& shape, InputOptions options)
    : Layer(std::make_shared<InputLayerImpl>(
          with_batch(shape, options), options.dtype, options.name)) {
  output_ = static_cast<InputLayerImpl&>(*impl_).tensor();
}

}  // namespace layers
}  // namespace keratin
