#include <cstdio>
#include <memory>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/model.hpp>

#include "src/cli/commands.hpp"
#include "src/cli/data.hpp"

namespace keratin::cli {

namespace {

struct EvaluateOptions {
  std::string model;
  std::string config;
  std::string data;
  std::int64_t batch_size = 32;
};

int evaluate(const EvaluateOptions& options) {
  set_deterministic(true);  // the same every time
  if (options.config.empty() && options.data.empty()) {
    throw InvalidArgument(
        "[evaluate] expected --config CONFIG.json or --data NAME");
  }
  Model model = load_model(options.model);
  DataPart part;
  if (!options.config.empty()) {
    Experiment experiment = Experiment::from_file(options.config);
    part = experiment.data().last();
    if (!model.compiled()) model.compile(experiment.compile_arguments());
  }
  if (!options.data.empty()) part = read_data(options.data);
  if (!part.batches && part.y.size() == 0) {
    throw InvalidArgument("[evaluate] the data have no targets");
  }
  if (!model.compiled()) {
    throw InvalidArgument(
        "[evaluate] the model was saved without loss and metrics; give "
        "--config");
  }
  const EvaluateArguments arguments = {
      .batch_size = options.batch_size, .verbose = 0};
  const Logs logs = part.batches ? model.evaluate(*part.batches, arguments)
                                 : model.evaluate(part.x, part.y, arguments);
  for (const auto& [name, value] : logs.entries()) {
    std::printf("%s: %.6g\n", name.c_str(), value);
  }
  return 0;
}

}  // namespace

void add_evaluate(CLI::App& app, Action& run) {
  CLI::App* const command =
      app.add_subcommand("evaluate", "Loss and metrics of a saved model");
  const auto options = std::make_shared<EvaluateOptions>();
  command->add_option("model", options->model, "The model")
      ->type_name("FILE.keras")
      ->required();
  command
      ->add_option(
          "--config", options->config, "Take the data from this config")
      ->type_name("CONFIG.json");
  command->add_option("--data", options->data, kDataHelp)->type_name("DATA");
  command->add_option("--batch-size", options->batch_size, "Rows at a time")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->callback(
      [&run, options] { run = [options] { return evaluate(*options); }; });
}

}  // namespace keratin::cli
