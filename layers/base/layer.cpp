#include <utility>

#include <keratin/error.hpp>
#include <keratin/layer.hpp>

#include "layers/base/symbolic_state.hpp"
#include "src/core/format.hpp"

namespace keratin {

Layer::Layer(std::shared_ptr<LayerImpl> impl) : impl_(std::move(impl)) {
  if (impl_) impl_->name();
}

namespace {

template <class T>
T single(const LayerImpl& layer, std::vector<T> results) {
  if (results.size() != 1) {
    throw InvalidArgument(format(
        "{} yields {} tensors; use call() to get them all",
        layer.who(),
        results.size()));
  }
  return std::move(results[0]);
}

}  // namespace

SymbolicTensor Layer::operator()(const SymbolicTensor& x) const {
  return single(*impl_, impl_->invoke(SymbolicInputs(x)));
}

SymbolicTensor Layer::operator()(const std::vector<SymbolicTensor>& xs) const {
  return single(*impl_, impl_->invoke(SymbolicInputs(xs)));
}

SymbolicTensor Layer::operator()(
    std::initializer_list<SymbolicTensor> xs) const {
  return (*this)(std::vector<SymbolicTensor>(xs));
}

std::vector<SymbolicTensor> Layer::call(const SymbolicInputs& inputs) const {
  return impl_->invoke(inputs);
}

Value Layer::operator()(CallContext& ctx, const Value& x) const {
  return single(*impl_, impl_->invoke(ctx, CallInputs(x)));
}

Value Layer::operator()(CallContext& ctx, const std::vector<Value>& xs) const {
  return single(*impl_, impl_->invoke(ctx, CallInputs(xs)));
}

std::vector<Value> Layer::call(
    CallContext& ctx, const CallInputs& inputs) const {
  return impl_->invoke(ctx, inputs);
}

const std::string& Layer::name() const {
  return impl_->name();
}

std::string Layer::class_name() const {
  return impl_->class_name();
}

Config Layer::get_config() const {
  return impl_->get_config();
}

bool Layer::trainable() const {
  return impl_->trainable();
}

void Layer::set_trainable(bool trainable) {
  impl_->set_trainable(trainable);
}

bool Layer::built() const {
  return impl_->built();
}

std::vector<Variable> Layer::weights() const {
  return impl_->weights();
}

std::vector<Variable> Layer::trainable_weights() const {
  return impl_->trainable_weights();
}

std::vector<Variable> Layer::non_trainable_weights() const {
  return impl_->non_trainable_weights();
}

std::vector<Tensor> Layer::get_weights() const {
  std::vector<Tensor> values;
  for (const Variable& variable : weights()) {
    values.push_back(variable.value());
  }
  return values;
}

void Layer::set_weights(const std::vector<Tensor>& values) {
  std::vector<Variable> variables = weights();
  std::string problems;
  if (values.size() != variables.size()) {
    problems = format(
        "expected {} arrays, got {}{}",
        variables.size(),
        values.size(),
        built() ? "" : " (the layer is not built yet: call it first)");
  } else {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (values[i].shape() == variables[i].shape()) continue;
      problems += format(
          "{}{}: expected shape {}, got {}",
          problems.empty() ? "" : "; ",
          variables[i].path(),
          variables[i].shape().keras_str(),
          values[i].shape().keras_str());
    }
  }
  if (!problems.empty()) {
    throw InvalidArgument(format("{} set_weights: {}", impl_->who(), problems));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    variables[i].assign(values[i]);
  }
}

std::int64_t Layer::count_params() const {
  if (!built()) {
    throw InvalidArgument(format(
        "{} has no weights to count before it is built; call it on an input",
        impl_->who()));
  }
  std::int64_t count = 0;
  for (const Variable& variable : weights()) count += variable.shape().size();
  return count;
}

namespace {

std::shared_ptr<LayerImpl::CallNode> first_call(const LayerImpl& layer) {
  for (const auto& weak : layer.call_nodes()) {
    if (auto node = weak.lock()) return node;
  }
  throw InvalidArgument(
      format("{} has not been called on a symbolic tensor", layer.who()));
}

}  // namespace

SymbolicTensor Layer::input() const {
  const auto node = first_call(*impl_);
  const std::vector<SymbolicTensor> inputs = node->arguments.tensors();
  // An input layer's input is what it yields.
  return inputs.empty() ? output() : inputs[0];
}

SymbolicTensor Layer::output() const {
  const auto node = first_call(*impl_);
  auto state = node->outputs.empty() ? nullptr : node->outputs[0].lock();
  if (!state) {
    throw InvalidArgument(
        format("{} yielded a tensor that is gone", impl_->who()));
  }
  return SymbolicTensor(std::move(state));
}

}  // namespace keratin
