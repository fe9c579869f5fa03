#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <unordered_set>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/random.hpp>

#include "layers/base/adopted.hpp"
#include "layers/base/initial_values.hpp"
#include "layers/base/naming.hpp"
#include "layers/base/probe.hpp"
#include "layers/base/symbolic_state.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/variable_state.hpp"

namespace keratin {

LayerImpl::LayerImpl(std::string name, DTypePolicy dtype, bool trainable)
    : name_(std::move(name)), dtype_(std::move(dtype)), trainable_(trainable) {}

LayerImpl::~LayerImpl() = default;

std::string LayerImpl::module() const {
  return "Custom";
}

void LayerImpl::fields(FieldVisitor& visit) {
  name();  // a name is made before it is written
  visit("name", name_);
  visit("trainable", trainable_);
  visit("dtype", dtype_);
}

void LayerImpl::build(const std::vector<Shape>& input_shapes) {
  (void)input_shapes;
}

Value LayerImpl::call(CallContext& ctx, const Value& x) {
  (void)ctx;
  (void)x;
  throw InternalError(format("{} overrides neither call nor call_many", who()));
}

std::vector<Value> LayerImpl::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  const std::vector<Value> tensors = inputs.tensors();
  if (tensors.size() != 1) {
    fail(format("expected one input tensor, got {}", tensors.size()));
  }
  return {call(ctx, tensors[0])};
}

std::vector<Value> LayerImpl::compute_masks(
    CallContext& ctx,
    const CallInputs& inputs,
    const std::vector<Value>& outputs) {
  Value mask;
  if (supports_masking() && !inputs.items.empty() && !inputs.inputs().empty()) {
    mask = ctx.mask(inputs.inputs()[0]);
  }
  return std::vector<Value>(outputs.size(), mask);
}

const std::string& LayerImpl::name() const {
  if (name_.empty()) name_ = unique_name(to_snake_case(class_name()));
  return name_;
}

void LayerImpl::set_name(std::string name) {
  name_ = std::move(name);
}

std::string LayerImpl::who() const {
  return format("[{}: {}]", name(), class_name());
}

void LayerImpl::fail(const std::string& message) const {
  throw InvalidArgument(format("{} {}", who(), message));
}

void LayerImpl::set_trainable(bool trainable) {
  trainable_ = trainable;
  for (auto& [attribute, layer] : sublayers_) {
    layer.impl().set_trainable(trainable);
  }
}

void LayerImpl::ensure_built(const std::vector<Shape>& input_shapes) {
  if (built_) return;
  std::vector<Shape> shapes;
  shapes.reserve(input_shapes.size());
  for (const Shape& shape : input_shapes) shapes.push_back(hide_probe(shape));
  try {
    const NameScope scope(name(), this);
    build(shapes);
  } catch (...) {
    trainable_variables_.clear();
    non_trainable_variables_.clear();
    throw;
  }
  build_shapes_ = std::move(shapes);
  built_ = true;
}

std::vector<Variable> LayerImpl::own_weights() const {
  std::vector<Variable> all;
  if (const auto* adopting = dynamic_cast<const AdoptsWeights*>(this)) {
    all = adopting->adopted_weights();
  }
  all.insert(
      all.end(), trainable_variables_.begin(), trainable_variables_.end());
  all.insert(
      all.end(),
      non_trainable_variables_.begin(),
      non_trainable_variables_.end());
  return all;
}

namespace {

/// Variables in order; those of a layer used in two places count once.
class Distinct {
 public:
  void add(const Variable& variable) {
    if (seen_.insert(variable.id()).second) all_.push_back(variable);
  }

  void add(const std::vector<Variable>& more) {
    for (const Variable& variable : more) add(variable);
  }

  std::vector<Variable> take() { return std::move(all_); }

 private:
  std::vector<Variable> all_;
  std::unordered_set<std::uint64_t> seen_;
};

}  // namespace

std::vector<Variable> LayerImpl::weights() const {
  Distinct all;
  all.add(own_weights());
  for (const auto& [attribute, layer] : sublayers_) {
    all.add(layer.impl().weights());
  }
  return all.take();
}

std::vector<Variable> LayerImpl::trainable_weights() const {
  if (!trainable_) return {};
  Distinct all;
  for (const Variable& variable : trainable_variables_) {
    if (variable.trainable()) all.add(variable);
  }
  for (const auto& [attribute, layer] : sublayers_) {
    all.add(layer.impl().trainable_weights());
  }
  return all.take();
}

std::vector<Variable> LayerImpl::non_trainable_weights() const {
  if (!trainable_) return weights();
  Distinct all;
  for (const Variable& variable : own_weights()) {
    if (!variable.trainable()) all.add(variable);
  }
  for (const auto& [attribute, layer] : sublayers_) {
    all.add(layer.impl().non_trainable_weights());
  }
  return all.take();
}

namespace {

/// Zeros in pages that the system hands out only when they are written.
Tensor untouched_zeros(DType dtype, const Shape& shape) {
  const auto count =
      static_cast<std::size_t>(std::max<std::int64_t>(shape.size(), 1));
  std::shared_ptr<void> memory(std::calloc(count, size_of(dtype)), std::free);
  if (!memory) return Tensor(dtype, shape);  // throws what it should
  const void* const data = memory.get();
  return Tensor::borrow(data, dtype, shape, std::move(memory));
}

}  // namespace

Variable LayerImpl::add_weight(
    const std::string& name, const Shape& shape, WeightOptions options) {
  if (!shape.is_static()) {
    fail(format(
        "weight '{}' would have the shape {}; give the input's dimensions",
        name,
        shape.keras_str()));
  }
  VariableOptions made;
  made.name = name;
  made.trainable = options.trainable;
  if (options.regularizer) made.regularizer = options.regularizer;
  if (options.constraint) made.constraint = options.constraint;
  const DType dtype = options.dtype.value_or(variable_dtype());
  Tensor initial = WithoutInitialValues::in_force()
                       ? untouched_zeros(dtype, shape)
                   : options.initializer ? options.initializer(shape, dtype)
                                         : Tensor(dtype, shape);
  Variable variable(std::move(initial), std::move(made));
  const std::string& scope = current_name_scope();
  variable.state().path =
      format("{}/{}", scope.empty() ? this->name() : scope, name);
  (options.trainable ? trainable_variables_ : non_trainable_variables_)
      .push_back(variable);
  return variable;
}

Variable LayerImpl::add_seed_generator(std::optional<std::int64_t> seed) {
  // Keras's SeedGenerator: {seed, counter}.
  const auto start =
      static_cast<std::uint32_t>(seed ? *seed : next_seed() & 0x7fffffff);
  Variable variable(
      Tensor(std::vector<std::uint32_t>{start, 0}),
      {.name = "seed_generator_state", .trainable = false});
  variable.state().path =
      format("{}/seed_generator/seed_generator_state", name());
  seeds_.push_back(variable);
  return variable;
}

void LayerImpl::add_sublayer(std::string attribute, const Layer& layer) {
  KERATIN_CHECK(layer, "a layer inside another exists");
  sublayers_.emplace_back(std::move(attribute), layer);
}

void LayerImpl::clear_sublayers() {
  sublayers_.clear();
}

namespace {

/// Puts the caller's autocast back.
class AutocastScope {
 public:
  AutocastScope(CallContext& ctx, const DType* dtype)
      : ctx_(ctx), previous_(ctx.autocast()) {
    ctx_.set_autocast(dtype);
  }

  ~AutocastScope() { ctx_.set_autocast(previous_); }

  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  CallContext& ctx_;
  const DType* previous_;
};

CallInputs cast_floats(
    CallContext& ctx, const CallInputs& inputs, DType dtype) {
  CallInputs out = inputs;
  for (Argument<Value>& item : out.items) {
    for (Value& value : item.tensors) {
      if (!is_floating(value.dtype()) || value.dtype() == dtype) continue;
      const Value mask = ctx.mask(value);
      value = ops::cast(value, dtype);
      if (mask) ctx.set_mask(value, mask);
    }
  }
  return out;
}

}  // namespace

std::vector<Value> LayerImpl::invoke(
    CallContext& ctx, const CallInputs& inputs) {
  const std::vector<Value> tensors = inputs.tensors();
  if (tensors.empty()) fail("got no input tensor");
  std::vector<Shape> shapes;
  for (const Value& value : tensors) {
    if (!value) fail("got an empty value as input");
    shapes.push_back(value.shape());
    // Weights are made for any batch size.
    if (!built_ && value.rank() > 0) shapes.back()[0] = kUnknown;
  }
  ensure_built(shapes);
  const LayerScope scope(tensors[0].graph(), name());
  const NameScope names(name(), this);  // of what is built only when called
  const DType dtype = compute_dtype();
  const AutocastScope autocast(ctx, &dtype);
  const CallInputs own =
      casts_inputs() ? cast_floats(ctx, inputs, dtype) : inputs;
  std::vector<Value> outputs = call_many(ctx, own);
  if (activity_regularizer_) {
    for (const Value& output : outputs) {
      if (!is_floating(output.dtype())) continue;
      // Per row, so that it is as strong for every batch size.
      const Value penalty = activity_regularizer_(output);
      const bool rows = output.rank() > 0 && output.shape()[0] > 0;
      ctx.add_loss(
          rows ? penalty / static_cast<double>(output.shape()[0]) : penalty);
    }
  }
  const std::vector<Value> masks = compute_masks(ctx, own, outputs);
  warn_about_lost_mask(ctx, own, masks);
  for (std::size_t i = 0; i < masks.size(); ++i) {
    if (masks[i]) ctx.set_mask(outputs[i], masks[i]);
  }
  return outputs;
}

void LayerImpl::warn_about_lost_mask(
    const CallContext& ctx,
    const CallInputs& inputs,
    const std::vector<Value>& masks) {
  if (supports_masking() || mask_warned_) return;
  bool lost = false;
  for (const Value& value : inputs.tensors()) {
    lost = lost || static_cast<bool>(ctx.mask(value));
  }
  for (const Value& mask : masks) lost = lost && !mask;
  if (!lost) return;
  mask_warned_ = true;
  log_message(
      LogChannel::warning,
      format(
          "{} does not support masking and drops the mask of its input",
          who()));
}

std::vector<SymbolicTensor> LayerImpl::invoke(const SymbolicInputs& inputs) {
  Arguments<Spec> specs;
  std::vector<Shape> shapes;
  for (const Argument<SymbolicTensor>& item : inputs.items) {
    Argument<Spec> argument{item.name, {}, item.is_list, item.constant};
    for (const SymbolicTensor& tensor : item.tensors) {
      if (!tensor) fail("got an empty tensor as input");
      argument.tensors.push_back({tensor.shape(), tensor.dtype()});
      shapes.push_back(tensor.shape());
    }
    specs.items.push_back(std::move(argument));
  }
  if (shapes.empty()) fail("got no input tensor");
  ensure_built(shapes);
  auto node = std::make_shared<CallNode>();
  node->layer = shared_from_this();
  node->arguments = inputs;
  std::vector<SymbolicTensor> outputs;
  for (Spec& spec : compute_output_spec(specs)) {
    outputs.push_back(make_symbolic(
        node, std::move(spec.shape), spec.dtype, unique_name("keras_tensor")));
  }
  call_nodes_.push_back(node);
  return outputs;
}

}  // namespace keratin
