#include <charconv>
#include <filesystem>
#include <iostream>
#include <memory>

#include <keratin/error.hpp>
#include <keratin/experiment.hpp>

#include "src/cli/commands.hpp"
#include "src/cli/interrupt.hpp"
#include "src/cli/json_lines.hpp"
#include "src/cli/override.hpp"

namespace keratin::cli {

namespace {

struct TrainOptions {
  std::string config;
  std::vector<std::string> set;
  std::string predictions;
  std::string checkpoint;
  std::string save_freq;
  std::string log_format = "auto";
  bool resume = false;
  bool quiet = false;
};

/// "examples/digits.json" writes to "digits.checkpoint".
std::string default_folder(const std::string& config) {
  return std::filesystem::path(config).stem().string() + ".checkpoint";
}

callbacks::SaveFrequency frequency_of(const std::string& text) {
  std::int64_t batches = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, batches);
  if (error == std::errc{} && rest == end) return batches;
  return text;
}

/// Where checkpoints go, when, and whether the run begins with one.
void set_up_checkpoints(
    const TrainOptions& options,
    const Experiment& experiment,
    RunOptions& run) {
  const std::string of_config = experiment.backup_dir();
  if (!of_config.empty()) {
    if (!options.checkpoint.empty() || !options.save_freq.empty()) {
      throw InvalidArgument(
          "--checkpoint and --save-freq: the config has a BackupAndRestore, "
          "which says both; change it there");
    }
    return;
  }
  const bool asked = options.resume || !options.checkpoint.empty() ||
                     !options.save_freq.empty();
  run.backup_dir = options.checkpoint.empty() ? default_folder(options.config)
                                              : options.checkpoint;
  run.backup.restore = options.resume;
  // Else only for Ctrl-C.
  run.backup.save_freq = asked ? "epoch" : "never";
  if (!options.save_freq.empty()) {
    run.backup.save_freq = frequency_of(options.save_freq);
  }
  if (options.resume || !std::filesystem::exists(run.backup_dir)) return;
  const auto old = callbacks::find_checkpoint(run.backup_dir);
  if (!old) return;
  if (asked) {
    throw InvalidArgument(
        "[" + run.backup_dir +
        "] holds the checkpoint of an earlier run: go on with it by --resume, "
        "or remove the folder");
  }
  std::cerr << "keratin: begins anew; --resume would have gone on from "
            << old->path << "\n";
}

/// The command that goes on.
std::string resume_command(const TrainOptions& options) {
  const auto quoted = [](const std::string& text) {
    if (text.find_first_of(" \"'$\\{}[]*?;&|<>()") == std::string::npos) {
      return text;
    }
    std::string out = "'";
    for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
    return out + "'";
  };
  std::string out = "keratin train " + quoted(options.config);
  for (const std::string& text : options.set) out += " --set " + quoted(text);
  if (!options.checkpoint.empty()) {
    out += " --checkpoint " + quoted(options.checkpoint);
  }
  if (!options.save_freq.empty()) out += " --save-freq " + options.save_freq;
  return out + " --resume";
}

int tell_of_stop(const TrainOptions& options, const RunResult& result) {
  std::cerr << "keratin: stopped";
  if (const auto& at = result.checkpoint) {
    std::cerr << " in epoch " << at->epoch + 1 << " after " << at->step
              << " steps; go on with: " << resume_command(options);
  } else {
    std::cerr << " in epoch " << result.history.epoch.size() + 1
              << "; there is no checkpoint to go on from";
  }
  std::cerr << "\n";
  return kSignal + interrupted();
}

int train(const TrainOptions& options) {
  std::vector<std::pair<std::string, Config>> overrides;
  for (const std::string& text : options.set) {
    overrides.push_back(parse_override(text, "fit.epochs=3"));
  }
  Experiment experiment = Experiment::from_file(options.config, overrides);
  RunOptions run;
  set_up_checkpoints(options, experiment, run);
  const InterruptScope interrupts;
  run.stop = [] { return interrupted() != 0; };
  run.predictions = options.predictions;
  if (options.quiet) {
    run.verbose = 0;
  } else if (options.log_format == "json") {
    run.verbose = 0;
    run.event = print_json;
    run.callbacks = {json_lines()};
  } else {
    if (options.log_format == "plain") run.verbose = 2;
    run.out = &std::cout;
  }
  const RunResult result = experiment.run(run);
  return interrupted() == 0 ? 0 : tell_of_stop(options, result);
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
  command->add_flag(
      "--resume",
      options->resume,
      "Go on from the checkpoint, if there is one, and write more of them");
  command
      ->add_option(
          "--checkpoint",
          options->checkpoint,
          "Write checkpoints into this folder (default: CONFIG.checkpoint)")
      ->type_name("FOLDER");
  command
      ->add_option(
          "--save-freq",
          options->save_freq,
          "Write a checkpoint after every \"epoch\" (default), after so many "
          "batches, or \"never\", but for Ctrl-C")
      ->type_name("epoch|N|never");
  command
      ->add_option(
          "--log-format",
          options->log_format,
          "auto: a bar on a terminal, plain lines in a file; plain; json: a "
          "line of JSON for every event")
      ->check(CLI::IsMember({"auto", "plain", "json"}));
  command->add_flag("-q,--quiet", options->quiet, "Print nothing but errors");
  command->callback(
      [&run, options] { run = [options] { return train(*options); }; });
}

}  // namespace keratin::cli
