#include "src/experiment/data_part.hpp"

#include <cstddef>
#include <utility>
#include <vector>

#include <keratin/data/split.hpp>
#include <keratin/error.hpp>
#include <keratin/host_layer.hpp>

#include "src/core/format.hpp"

namespace keratin::experiment {

namespace {

/// The inputs of a part of the data as layers see them one after the other.
class Inputs {
 public:
  explicit Inputs(const DataPart& part) : x_(part.x), batches_(part.batches) {}

  void adapt(const Layer& layer) const {
    if (batches_) {
      keratin::adapt(layer, *batches_);
    } else {
      keratin::adapt(layer, x_);
    }
  }

  /// Goes through a layer.
  void pass(const Layer& layer) {
    if (batches_) {
      batches_ = batches_->map([layer](const Tensor& x) { return layer(x); });
    } else {
      x_ = layer(x_);
    }
  }

 private:
  Tensor x_;
  std::optional<data::Dataset> batches_;
};

}  // namespace

void adapt_layers(const Model& model, const DataPart& part) {
  const auto wants = [](const Layer& layer) {
    const auto* state = dynamic_cast<const Adaptable*>(&layer.impl());
    return state != nullptr && !state->adapted();
  };
  const std::vector<Layer> layers = model.layers();
  Inputs data(part);
  if (model.impl().class_name() == "Sequential") {
    std::size_t last = layers.size();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (wants(layers[i])) last = i;
    }
    for (std::size_t i = 0; i <= last && last < layers.size(); ++i) {
      if (wants(layers[i])) data.adapt(layers[i]);
      if (i < last) data.pass(layers[i]);
    }
    return;
  }
  const std::vector<SymbolicTensor> inputs = model.inputs();
  if (inputs.size() != 1) return;
  for (const Layer& layer : layers) {
    if (wants(layer) && layer.input() == inputs[0]) data.adapt(layer);
  }
}

Shape input_shape(const DataPart& part) {
  Shape shape =
      part.batches ? part.batches->element_spec().at(0).shape : part.x.shape();
  shape[0] = kUnknown;
  return shape;
}

std::map<std::int64_t, double> balanced_weights(const DataPart& part) {
  try {
    if (!part.batches) return data::balanced_class_weight(part.y);
    std::vector<Tensor> labels;
    for (const data::Element& batch : *part.batches) {
      labels.push_back(batch.y.tensors().at(0));
    }
    return data::balanced_class_weight(concatenate(labels));
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(
        format("[$.fit.class_weight] {}", std::string(error.what())));
  }
}

History fit_part(
    Model& model, const DataPart& part, const FitArguments& arguments) {
  return part.batches ? model.fit(*part.batches, arguments)
                      : model.fit(part.x, part.y, arguments);
}

Logs evaluate_part(
    Model& model, const DataPart& part, std::int64_t batch_size) {
  const EvaluateArguments arguments = {.batch_size = batch_size, .verbose = 0};
  return part.batches ? model.evaluate(*part.batches, arguments)
                      : model.evaluate(part.x, part.y, arguments);
}

Tensor predict_part(Model& model, const DataPart& part) {
  return part.batches ? model.predict(*part.batches) : model.predict(part.x);
}

}  // namespace keratin::experiment
