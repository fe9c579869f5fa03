// Files of real Keras 1 and 2 with what Keras predicted from them: NAME.h5 with
// NAME.h5.predict.h5, and NAME_model.h5, NAME_config.json and NAME_weights.h5
// with the outputs of every layer in NAME_inputs_and_outputs.h5.

#include <fstream>
#include <iterator>

#include <keratin/model.hpp>

#include "tests/conformance/harness.hpp"

namespace conformance {

using keratin::Model;
using keratin::SymbolicTensor;
using keratin::Tensor;
using keratin::io::Hdf5File;

namespace {

void compare_outputs(
    const std::string& where,
    const std::vector<Tensor>& ours,
    const std::vector<Tensor>& keras,
    Comparison& result) {
  if (ours.size() != keras.size()) {
    result.fail(
        where,
        std::to_string(ours.size()) + " outputs, Keras has " +
            std::to_string(keras.size()));
    return;
  }
  for (std::size_t i = 0; i < keras.size(); ++i) {
    result.compare(
        where + "/" + std::to_string(i), ours[i], keras[i], kOldFiles);
  }
}

/// One batch: some models have a batch size of their own.
std::vector<Tensor> predict(const Model& model, std::vector<Tensor> inputs) {
  Model copy = model;
  const std::int64_t batch = inputs.empty() ? 0 : inputs[0].shape()[0];
  return copy.predict_all(
      keratin::TensorSet(std::move(inputs)), {.batch_size = batch});
}

std::string text_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

void run_model_case(
    const Case& test, const Settings& settings, Comparison& result) {
  const Hdf5File golden(test.path.string());
  const std::string path = test.path.string();
  const std::string ending = ".predict.h5";
  const Model model = keratin::load_model(
      path.substr(0, path.size() - ending.size()),
      {.dtype = settings.dtype_override()});
  compare_outputs(
      "predict",
      predict(model, numbered(golden, "inputs")),
      numbered(golden, "predict"),
      result);
}

void run_recorded_case(
    const Case& test, const Settings& settings, Comparison& result) {
  const Hdf5File golden(test.path.string());
  std::vector<Tensor> inputs;
  for (const std::string& name : golden.keys("inputs")) {
    inputs.push_back(golden.read("inputs/" + name));
  }
  const std::string stem = (test.path.parent_path() / test.name).string();
  const Model model = keratin::load_model(
      stem + "_model.h5", {.dtype = settings.dtype_override()});
  if (!golden.contains("predictions")) return;  // data alone: it loads
  for (const std::string& name : golden.keys("activations")) {
    const Model part(
        model.inputs(), {model.get_layer(name).output()}, "part_" + name);
    compare_outputs(
        "activations/" + name,
        predict(part, inputs),
        {golden.read("activations/" + name)},
        result);
  }
  std::vector<Tensor> outputs;
  for (const std::string& name : golden.keys("predictions")) {
    outputs.push_back(golden.read("predictions/" + name));
  }
  compare_outputs("predictions", predict(model, inputs), outputs, result);

  // The same from the architecture and the weights alone.
  if (!fs::exists(stem + "_config.json") || !fs::exists(stem + "_weights.h5")) {
    return;
  }
  Model parts = keratin::model_from_json(
      text_of(stem + "_config.json"), {.dtype = settings.dtype_override()});
  parts.load_weights(stem + "_weights.h5");
  compare_outputs("from parts", predict(parts, inputs), outputs, result);
}

}  // namespace conformance
