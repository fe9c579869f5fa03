#include <iostream>
#include <memory>

#include <keratin/experiment.hpp>

#include "src/cli/commands.hpp"
#include "src/cli/interrupt.hpp"
#include "src/cli/override.hpp"

namespace keratin::cli {

namespace {

struct TrainOptions {
  std::string config;
  std::vector<std::string> set;
  std::string predictions;
  bool quiet = false;
};

int train(const TrainOptions& options) {
  std::vector<std::pair<std::string, Config>> overrides;
  for (const std::string& text : options.set) {
    overrides.push_back(parse_override(text, "fit.epochs=3"));
  }
  Experiment experiment = Experiment::from_file(options.config, overrides);
  const InterruptScope interrupts;
  RunOptions run;
  run.callbacks = {stop_when_interrupted()};
  run.stop = [] { return interrupted() != 0; };
  run.predictions = options.predictions;
  if (options.quiet) {
    run.verbose = 0;
  } else {
    run.out = &std::cout;
  }
  const RunResult result = experiment.run(run);
  if (interrupted() == 0) return 0;
  std::cerr << "keratin: stopped in epoch " << result.history.epoch.size()
            << "; what is written above is of the model as it is now\n";
  return kSignal + interrupted();
}

}  // namespace

void add_train(CLI::App& app, Action& run) {
  CLI::App* const command = app.add_subcommand(
      "train", "Train what a JSON config describes, evaluate it and save it");
  const auto options = std::make_shared<TrainOptions>();
  command->add_option("config", options->config, "The config, a JSON file")
      ->type_name("CONFIG.json")
      ->required();
  command
      ->add_option(
          "--set",
          options->set,
          "Change a value of the config, as in --set fit.epochs=3")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option(
          "--predictions",
          options->predictions,
          "Write what the trained model predicts for the test part")
      ->type_name("FILE.npy");
  command->add_flag("-q,--quiet", options->quiet, "Print nothing but errors");
  command->callback(
      [&run, options] { run = [options] { return train(*options); }; });
}

}  // namespace keratin::cli
