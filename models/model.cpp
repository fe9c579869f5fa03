#include <ostream>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/model.hpp>

#include "models/functional.hpp"
#include "models/sequential.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

Model::Model(std::shared_ptr<ModelImpl> impl) : Layer(std::move(impl)) {}

Model::Model(
    std::vector<SymbolicTensor> inputs,
    std::vector<SymbolicTensor> outputs,
    std::string name)
    : Model(std::make_shared<FunctionalImpl>(
          std::move(inputs), std::move(outputs), std::move(name))) {}

Model::Model(
    const SymbolicTensor& input, const SymbolicTensor& output, std::string name)
    : Model(std::make_shared<FunctionalImpl>(
          std::vector<SymbolicTensor>{input},
          std::vector<SymbolicTensor>{output},
          std::move(name),
          true,
          true)) {}

ModelImpl& Model::model_impl() const {
  if (!impl_) throw InvalidArgument("[Model] is empty; make one first");
  return static_cast<ModelImpl&>(*impl_);
}

void Model::compile(CompileArguments arguments) {
  model_impl().compile(std::move(arguments));
}

History Model::fit(
    const TensorSet& x, const TensorSet& y, const FitArguments& arguments) {
  return model_impl().fit(x, y, arguments);
}

History Model::fit(const data::Dataset& x, const FitArguments& arguments) {
  return model_impl().fit(x, arguments);
}

Logs Model::evaluate(
    const TensorSet& x,
    const TensorSet& y,
    const EvaluateArguments& arguments) {
  return model_impl().evaluate(x, y, arguments);
}

Logs Model::evaluate(
    const data::Dataset& x, const EvaluateArguments& arguments) {
  return model_impl().evaluate(x, arguments);
}

namespace {

Tensor only_output(const std::string& who, std::vector<Tensor> outputs) {
  if (outputs.size() == 1) return std::move(outputs[0]);
  throw InvalidArgument(format(
      "{} predict: the model has {} outputs; use predict_all",
      who,
      outputs.size()));
}

}  // namespace

Tensor Model::predict(const TensorSet& x, const PredictArguments& arguments) {
  return only_output(impl_->who(), predict_all(x, arguments));
}

Tensor Model::predict(
    const data::Dataset& x, const PredictArguments& arguments) {
  return only_output(impl_->who(), predict_all(x, arguments));
}

std::vector<Tensor> Model::predict_all(
    const TensorSet& x, const PredictArguments& arguments) {
  return model_impl().predict(x, arguments);
}

std::vector<Tensor> Model::predict_all(
    const data::Dataset& x, const PredictArguments& arguments) {
  return model_impl().predict(x, arguments);
}

Logs Model::train_on_batch(
    const TensorSet& x,
    const TensorSet& y,
    const TensorSet& sample_weight,
    const std::map<std::int64_t, double>& class_weight) {
  return model_impl().train_on_batch(x, y, sample_weight, class_weight);
}

Logs Model::test_on_batch(
    const TensorSet& x, const TensorSet& y, const TensorSet& sample_weight) {
  return model_impl().test_on_batch(x, y, sample_weight);
}

std::vector<Tensor> Model::predict_on_batch(const TensorSet& x) {
  return model_impl().predict_on_batch(x);
}

void Model::reset_metrics() {
  model_impl().reset_metrics();
}

std::vector<Layer> Model::layers() const {
  return model_impl().layers();
}

Layer Model::get_layer(const std::string& name) const {
  std::vector<std::string> names;
  for (const Layer& layer : layers()) {
    if (layer.name() == name) return layer;
    names.push_back(layer.name());
  }
  throw InvalidArgument(format(
      "{} has no layer named '{}'{}",
      impl_->who(),
      name,
      did_you_mean(name, names)));
}

Layer Model::get_layer(std::size_t index) const {
  const std::vector<Layer> all = layers();
  if (index >= all.size()) {
    throw InvalidArgument(format(
        "{} has {} layers, no layer {}", impl_->who(), all.size(), index));
  }
  return all[index];
}

namespace {

const FunctionalImpl& functional(const Model& model) {
  const auto* impl = dynamic_cast<const FunctionalImpl*>(&model.model_impl());
  if (impl == nullptr || impl->outputs().empty()) {
    throw InvalidArgument(format(
        "{} has no symbolic inputs and outputs: it is not a functional model "
        "or has not been built",
        model.model_impl().who()));
  }
  return *impl;
}

}  // namespace

std::vector<SymbolicTensor> Model::inputs() const {
  return functional(*this).inputs();
}

std::vector<SymbolicTensor> Model::outputs() const {
  return functional(*this).outputs();
}

void Model::build(const Shape& input_shape) {
  model_impl().ensure_built({input_shape});
}

bool Model::compiled() const {
  return model_impl().compiled();
}

Optimizer& Model::optimizer() const {
  return model_impl().optimizer();
}

Sequential::Sequential(std::string name)
    : Model(std::make_shared<SequentialImpl>(std::move(name))) {}

Sequential::Sequential(std::initializer_list<Layer> layers, std::string name)
    : Sequential(std::vector<Layer>(layers), std::move(name)) {}

Sequential::Sequential(const std::vector<Layer>& layers, std::string name)
    : Sequential(std::move(name)) {
  static_cast<SequentialImpl&>(*impl_).add(layers);
}

namespace {

SequentialImpl& stack_of(const Model& model) {
  return static_cast<SequentialImpl&>(model.model_impl());
}

}  // namespace

void Sequential::add(const Layer& layer) {
  stack_of(*this).add({layer});
}

void Sequential::pop() {
  stack_of(*this).pop();
}

std::ostream& operator<<(std::ostream& out, const Model& model) {
  return out << model.summary();
}

}  // namespace keratin
