// A model saved by Keras: its prediction, and one step of training.

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <keratin/losses.hpp>
#include <keratin/model.hpp>

#include "tests/conformance/harness.hpp"
#include "tests/conformance/weights.hpp"

namespace conformance {

using keratin::Config;
using keratin::Model;
using keratin::Tensor;
using keratin::Value;
using keratin::io::Hdf5File;

namespace {

/// Predicts as in training, which predict never does.
class AsInTraining final : public keratin::ModelImpl {
 public:
  explicit AsInTraining(Model inner)
      : ModelImpl("as_in_training"), inner_(std::move(inner)) {}

  std::string class_name() const override { return "AsInTraining"; }

  std::vector<Value> predict_step(
      keratin::StepContext& ctx, const std::vector<Value>& x) override {
    ctx.set_training(true);
    return inner_.model_impl().forward(ctx, x);
  }

 private:
  Model inner_;
};

void compare_outputs(
    const Hdf5File& golden,
    const std::string& group,
    const std::vector<Tensor>& ours,
    double tolerance,
    Comparison& result) {
  const std::vector<Tensor> keras = numbered(golden, group);
  if (ours.size() != keras.size()) {
    result.fail(
        group,
        std::to_string(ours.size()) + " outputs, Keras has " +
            std::to_string(keras.size()));
    return;
  }
  for (std::size_t k = 0; k < keras.size(); ++k) {
    result.compare(
        group + "/" + std::to_string(k), ours[k], keras[k], tolerance);
  }
}

/// The largest difference in the rows of one image.
double row_error(
    const std::vector<double>& ours,
    const std::vector<double>& keras,
    std::size_t row,
    std::size_t width) {
  double worst = 0;
  for (std::size_t i = row * width; i < (row + 1) * width; ++i) {
    worst = std::max(worst, std::abs(ours[i] - keras[i]));
  }
  return worst;
}

/// The cases whose ranges leave one choice still leave some to chance: Keras
/// draws the sign of RandomShear and RandomHue, the bits of RandomPosterization
/// and the threshold of Solarization for each image, by a generator that the
/// file does not hold. So each image is compared with the nearest of our draws
/// for it; where a layer leaves nothing to chance, all draws are one.
void compare_draws(
    const Hdf5File& golden,
    Model& model,
    const std::vector<Tensor>& inputs,
    double tolerance,
    Comparison& result) {
  constexpr int kDraws = 3000;
  constexpr int kSame = 20;  // after so many equal draws there is no chance
  const std::vector<Tensor> keras = numbered(golden, "training");
  std::vector<Tensor> nearest = model.predict_on_batch(inputs);
  const std::vector<Tensor> first = nearest;
  bool chance = false;
  for (int draw = 1; draw < kDraws; ++draw) {
    bool agrees = nearest.size() == keras.size();
    for (std::size_t k = 0; agrees && k < keras.size(); ++k) {
      Comparison one;
      one.compare("training", nearest[k], keras[k], tolerance);
      agrees = one.passed();
    }
    if (agrees || nearest.size() != keras.size()) break;
    if (draw > kSame && !chance) break;
    const std::vector<Tensor> next = model.predict_on_batch(inputs);
    for (std::size_t k = 0; k < keras.size(); ++k) {
      if (next[k].shape() != keras[k].shape() || keras[k].rank() == 0) break;
      chance = chance || next[k] != first[k];
      const auto want = keras[k].to_vector<double>();
      const auto here = next[k].to_vector<double>();
      auto best = nearest[k].to_vector<double>();
      const auto rows = static_cast<std::size_t>(keras[k].shape()[0]);
      const std::size_t width = want.size() / rows;
      for (std::size_t row = 0; row < rows; ++row) {
        if (row_error(here, want, row, width) >=
            row_error(best, want, row, width)) {
          continue;
        }
        std::copy_n(
            here.begin() + static_cast<std::ptrdiff_t>(row * width),
            width,
            best.begin() + static_cast<std::ptrdiff_t>(row * width));
      }
      nearest[k] = Tensor(best, keras[k].shape());
    }
  }
  compare_outputs(golden, "training", nearest, tolerance, result);
}

void train_one_step(
    const Hdf5File& golden,
    const Settings& settings,
    const std::vector<Tensor>& inputs,
    Model& model,
    Comparison& result) {
  std::vector<Tensor> targets = numbered(golden, "target");
  for (Tensor& target : targets) target = settings.data(target);
  keratin::Optimizer sgd;
  sgd.from_config(
      Config::object(
          {{"class_name", "SGD"},
           {"config", Config::object({{"learning_rate", 0.5}})}}),
      "optimizer");
  keratin::CompileArguments compile;
  compile.optimizer = sgd;
  compile.loss = std::vector<keratin::Loss>(targets.size(), "mse");
  model.compile(std::move(compile));
  const keratin::Logs logs = model.train_on_batch(inputs, targets);
  const double tolerance = settings.tolerances().step;
  result.compare(
      "loss", logs.at("loss"), golden.read("loss").item<double>(), tolerance);
  compare_weights(golden, "after", model, tolerance, result);
}

}  // namespace

void run_layer_case(
    const Case& test, const Settings& settings, Comparison& result) {
  const Hdf5File golden(test.path.string());
  const fs::path saved = test.path.parent_path() / (test.name + ".keras");
  Model model = keratin::load_model(
      saved.string(), {.dtype = settings.dtype_override(), .compile = false});
  std::vector<Tensor> inputs = numbered(golden, "inputs");
  for (Tensor& input : inputs) input = settings.data(input);

  const double tolerance = settings.tolerances().predict;
  compare_outputs(
      golden, "predict", model.predict_on_batch(inputs), tolerance, result);
  if (golden.contains("second")) {
    compare_outputs(
        golden, "second", model.predict_on_batch(inputs), tolerance, result);
  }
  if (golden.contains("training")) {
    Model training = keratin::make_model<AsInTraining>(model);
    compare_draws(golden, training, inputs, tolerance, result);
  }
  if (golden.contains("target")) {
    train_one_step(golden, settings, inputs, model, result);
  }
}

}  // namespace conformance
