// Several steps of training: optimizers, runs taken up again, whole fits.

#include <map>

#include <keratin/callbacks.hpp>
#include <keratin/layers/core.hpp>
#include <keratin/layers/input.hpp>
#include <keratin/model.hpp>

#include "tests/conformance/harness.hpp"
#include "tests/conformance/weights.hpp"

namespace conformance {

using keratin::Config;
using keratin::Model;
using keratin::Tensor;
using keratin::io::Hdf5File;

namespace {

/// One step; the loss of this batch alone.
double train(
    Model& model,
    const Hdf5File& golden,
    const Settings& settings,
    std::int64_t batch) {
  model.reset_metrics();
  return model
      .train_on_batch(
          settings.data(golden.read("x")[batch]),
          settings.data(golden.read("y")[batch]))
      .at("loss");
}

std::string at(const char* name, std::int64_t index) {
  return std::string(name) + "[" + std::to_string(index) + "]";
}

}  // namespace

void run_optimizer_case(
    const Case& test, const Settings& settings, Comparison& result) {
  using keratin::layers::Dense;
  const Hdf5File golden(test.path.string());
  keratin::Optimizer optimizer;
  optimizer.from_config(
      settings.config(text_attr(golden, "optimizer"), "optimizer"),
      "optimizer");
  keratin::Sequential model({
      keratin::layers::Input({4}, {.name = "in0"}),
      Dense(5, {.activation = "tanh", .name = "a"}),
      Dense(3, {.name = "b"}),
  });
  set_start_weights(golden, model);
  model.compile({.optimizer = optimizer, .loss = "mse"});
  const double tolerance = settings.tolerances().run;
  const Tensor losses = golden.read("loss");
  for (std::int64_t k = 0; k < losses.size(); ++k) {
    result.compare(
        at("loss", k),
        train(model, golden, settings, k),
        losses.at(k),
        tolerance);
    const std::string after = "after/" + std::to_string(k + 1);
    if (golden.contains(after)) {
      compare_weights(golden, after, model, tolerance, result);
    }
  }
}

void run_resume_case(
    const Case& test, const Settings& settings, Comparison& result) {
  constexpr std::int64_t kStepsBefore = 3;
  const Hdf5File golden(test.path.string());
  const fs::path saved = test.path.parent_path() / (test.name + ".keras");
  Model model =
      keratin::load_model(saved.string(), {.dtype = settings.dtype_override()});
  const double tolerance = settings.tolerances().run;
  const Tensor losses = golden.read("loss");
  for (std::int64_t k = kStepsBefore; k < losses.size(); ++k) {
    result.compare(
        at("loss", k),
        train(model, golden, settings, k),
        losses.at(k),
        tolerance);
  }
  compare_weights(golden, "after", model, tolerance, result);

  const std::vector<std::string> paths = strings(golden, "optimizer_paths");
  const auto& variables = model.optimizer().impl().variables();
  if (variables.size() != paths.size()) {
    result.fail(
        "optimizer",
        std::to_string(variables.size()) + " variables, Keras has " +
            std::to_string(paths.size()));
    return;
  }
  for (std::size_t k = 0; k < paths.size(); ++k) {
    if (variables[k].path() != paths[k]) {
      result.fail(
          "optimizer/" + paths[k], "our path is " + variables[k].path());
    }
    result.compare(
        "optimizer/" + paths[k],
        variables[k].value(),
        golden.read("optimizer/" + std::to_string(k)),
        tolerance);
  }
}

namespace {

/// {"SGD": {...}} or ["ExponentialDecay", {...}] as Keras serializes it.
Config serialized(const std::string& name, const Config& arguments) {
  return Config::object({{"class_name", name}, {"config", arguments}});
}

Config compile_config(Config compile) {
  auto [name, arguments] = compile.at("optimizer").as_object().at(0);
  if (Config* rate = arguments.find("learning_rate");
      rate != nullptr && rate->is_array()) {
    const Config::Array& schedule = rate->as_array();
    *rate = serialized(schedule.at(0).as_string(), schedule.at(1));
  }
  compile["optimizer"] = serialized(name, arguments);
  return compile;
}

keratin::FitArguments fit_arguments(
    const Config& run, const Hdf5File& golden, const Settings& settings) {
  keratin::FitArguments arguments;
  arguments.verbose = 0;
  arguments.shuffle = false;
  for (const auto& [key, value] : run.at("fit").as_object()) {
    if (key == "batch_size") {
      arguments.batch_size = value.as_int();
    } else if (key == "epochs") {
      arguments.epochs = value.as_int();
    } else if (key == "validation_split") {
      arguments.validation_split = value.as_number();
    } else if (key == "validation_freq") {
      arguments.validation_freq = value.as_int();
    } else if (key == "steps_per_epoch") {
      arguments.steps_per_epoch = value.as_int();
    } else if (key == "initial_epoch") {
      arguments.initial_epoch = value.as_int();
    } else if (key == "validation_steps") {
      arguments.validation_steps = value.as_int();
    } else if (key == "validation_batch_size") {
      arguments.validation_batch_size = value.as_int();
    } else if (key == "sample_weight") {
      arguments.sample_weight = settings.data(golden.read("sample_weight"));
    } else if (key == "class_weight") {
      for (const auto& [label, weight] : value.as_object()) {
        arguments.class_weight[std::stoll(label)] = weight.as_number();
      }
    } else {
      throw std::runtime_error("the harness knows no fit argument " + key);
    }
  }
  for (const Config& callback : run.at("callbacks").as_array()) {
    arguments.callbacks.push_back(keratin::callbacks::from_config(
        callback.as_array().at(0).as_string(), callback.as_array().at(1)));
  }
  return arguments;
}

/// y, or y_NAME for every output NAME.
keratin::TensorSet targets(const Hdf5File& golden, const Settings& settings) {
  if (golden.contains("y")) return settings.data(golden.read("y"));
  std::vector<keratin::TensorSet::Named> named;
  for (const std::string& key : golden.keys()) {
    if (!key.starts_with("y_")) continue;
    named.emplace_back(key.substr(2), settings.data(golden.read(key)));
  }
  return named;
}

}  // namespace

void run_fit_case(
    const Case& test, const Settings& settings, Comparison& result) {
  const Hdf5File golden(test.path.string());
  const Config run = settings.config(text_attr(golden, "run"), "run");
  Config config = Config::parse(text_attr(golden, "model"), "model");
  // What the model's JSON says was written after the run: callbacks may have
  // changed the learning rate.
  config["compile_config"] = compile_config(run.at("compile"));
  Model model =
      keratin::model_from_config(config, {.dtype = settings.dtype_override()});
  set_start_weights(golden, model);
  const keratin::History history = model.fit(
      settings.data(golden.read("x")),
      targets(golden, settings),
      fit_arguments(run, golden, settings));

  const double tolerance = settings.tolerances().run;
  for (const std::string& key : golden.keys("history")) {
    if (!history.contains(key)) {
      result.fail("history/" + key, "missing");
      continue;
    }
    result.compare(
        "history/" + key,
        Tensor(history[key]),
        golden.read("history/" + key),
        tolerance);
  }
  for (const auto& [key, values] : history.history) {
    if (!golden.contains("history/" + key)) {
      result.fail("history/" + key, "Keras logs no such value");
    }
  }
  compare_weights(golden, "after", model, tolerance, result);
}

}  // namespace conformance
