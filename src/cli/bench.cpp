#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <keratin/keratin.hpp>

#include "benchmarks/workloads.hpp"
#include "src/cli/commands.hpp"

namespace keratin::cli {

namespace {

using benchmarks::Samples;
using benchmarks::Workload;

constexpr std::string_view kInference = "infer_";

struct BenchOptions {
  std::string workload;
  std::int64_t batch = 0;  // 0: the workload's
  std::int64_t steps = 0;  // of a round; 0: the workload's
  std::int64_t rounds = 7;
  std::int64_t image_size = 0;  // 0: the workload's
  std::string dtype = "float32";
  std::string weights;
  std::string data;
  bool no_dropout = false;
  bool profile = false;
  std::vector<std::string> profile_files;
  bool json = false;
};

/// What `keratin bench` prints.
struct Measurement {
  double first_step = 0;   // seconds since the process began
  std::int64_t steps = 0;  // of a round
  std::vector<double> ms;  // a step, by round
  double loss = 0;         // of the first step
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  using Seconds = std::chrono::duration<double>;
  return Seconds(std::chrono::steady_clock::now() - start).count();
}

/// How long this process has been there, to the kernel's hundredths.
double process_seconds() {
  std::ifstream in("/proc/self/stat");
  std::string text;
  std::getline(in, text);
  // The name, in parentheses, may hold spaces; the start is the 20th after it.
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string field;
  for (int i = 0; i < 20; ++i) fields >> field;
  timespec now = {};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<double>(now.tv_sec) +
         static_cast<double>(now.tv_nsec) * 1e-9 -
         std::stod(field) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double peak_megabytes() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// The samples of a file: arrays x and y.
Samples read_samples(const std::string& path) {
  const auto arrays = io::load_npz(path);
  if (!arrays.contains("x") || !arrays.contains("y")) {
    throw InvalidArgument("[" + path + "] expected arrays x and y");
  }
  return {arrays.at("x"), arrays.at("y")};
}

Samples samples(
    const BenchOptions& options, const Workload& workload, std::int64_t count) {
  if (options.data.empty()) return make_samples(workload, count);
  Samples all = read_samples(options.data);
  if (all.x.shape().rank() == 0 || all.x.shape()[0] < workload.batch) {
    throw InvalidArgument(
        "[" + options.data + "] expected at least a batch of " +
        std::to_string(workload.batch) + " samples in x");
  }
  return all;
}

/// Epochs of `fit`, batch by batch of data in memory, shuffled.
Measurement train(
    Model& model, const BenchOptions& options, const Workload& workload) {
  Measurement result;
  const FitArguments arguments = {.batch_size = workload.batch, .verbose = 0};
  const Samples first = samples(options, workload, workload.batch);
  result.loss = model.fit(
      first.x.slice(0, workload.batch),
      first.y.slice(0, workload.batch),
      arguments)["loss"][0];
  result.first_step = process_seconds();
  const Samples all =
      samples(options, workload, workload.batch * workload.steps);
  // A file may hold more than the steps asked for, or fewer.
  std::int64_t steps = all.x.shape()[0] / workload.batch;
  if (options.steps > 0) steps = std::min(steps, options.steps);
  result.steps = steps;
  for (std::int64_t round = 0; round < options.rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    model.fit(
        all.x.slice(0, steps * workload.batch),
        all.y.slice(0, steps * workload.batch),
        arguments);
    result.ms.push_back(
        seconds_since(start) * 1e3 / static_cast<double>(steps));
  }
  return result;
}

/// Calls of `predict` on one batch.
Measurement infer(
    Model& model, const BenchOptions& options, const Workload& workload) {
  Measurement result;
  const Samples all = samples(options, workload, workload.batch);
  const Tensor x = all.x.slice(0, workload.batch);
  const PredictArguments arguments = {
      .batch_size = workload.batch, .verbose = 0};
  model.predict(x, arguments);
  result.first_step = process_seconds();
  const std::int64_t calls = options.steps > 0 ? options.steps : 8;
  result.steps = calls;
  for (std::int64_t round = 0; round < options.rounds * calls; ++round) {
    const auto start = std::chrono::steady_clock::now();
    model.predict(x, arguments);
    result.ms.push_back(seconds_since(start) * 1e3);
  }
  result.loss = model
                    .evaluate(
                        x,
                        all.y.slice(0, workload.batch),
                        {.batch_size = workload.batch, .verbose = 0})
                    .at("loss");
  return result;
}

void print(
    const Measurement& result,
    const BenchOptions& options,
    const Workload& workload) {
  std::vector<double> ms = result.ms;
  std::sort(ms.begin(), ms.end());
  const double median = ms[ms.size() / 2];
  if (!options.json) {
    std::printf(
        "%s, batch %lld, %s, %d %s\n"
        "  a step takes %.3f ms (median of %zu; the best %.3f ms): "
        "%.0f samples a second\n"
        "  first step done after %.2f s, peak memory %.0f MB, first loss "
        "%.5f\n",
        options.workload.c_str(),
        static_cast<long long>(workload.batch),
        options.dtype.c_str(),
        num_threads(),
        num_threads() == 1 ? "thread" : "threads",
        median,
        ms.size(),
        ms.front(),
        static_cast<double>(workload.batch) * 1e3 / median,
        result.first_step,
        peak_megabytes(),
        result.loss);
    return;
  }
  Config line;
  line["workload"] = options.workload;
  line["batch"] = workload.batch;
  line["steps"] = result.steps;
  line["threads"] = std::int64_t{num_threads()};
  line["dtype"] = options.dtype;
  line["first_step_s"] = result.first_step;
  line["median_ms"] = median;
  line["min_ms"] = ms.front();
  line["peak_mb"] = peak_megabytes();
  line["loss"] = result.loss;
  std::printf("%s\n", line.dump().c_str());
}

/// Profiles are written when the model goes, which is before this returns.
Measurement measure(const BenchOptions& options, const Workload& workload) {
  std::vector<std::string> profile = options.profile_files;
  if (options.profile) profile.insert(profile.begin(), "1");
  if (!profile.empty()) set_profile(std::move(profile));
  set_random_seed(0);
  set_dtype_policy(options.dtype);
  Model model = workload.model(workload.input, !options.no_dropout);
  if (!options.weights.empty()) model.load_weights(options.weights);
  model.compile(
      {.optimizer = workload.optimizer,
       .loss = workload.loss,
       .metrics = {"accuracy"}});
  return options.workload.starts_with(kInference)
             ? infer(model, options, workload)
             : train(model, options, workload);
}

int bench(const BenchOptions& options) {
  const bool inference = options.workload.starts_with(kInference);
  Workload workload = benchmarks::workload(
      inference ? options.workload.substr(kInference.size())
                : options.workload);
  if (options.batch > 0) {
    workload.batch = options.batch;
  } else if (inference) {
    workload.batch = 1;
  }
  if (options.steps > 0) workload.steps = options.steps;
  if (options.image_size > 0) {
    if (workload.input.rank() != 3) {
      throw InvalidArgument(
          "[bench] expected a workload of pictures with --image-size, got " +
          options.workload);
    }
    workload.input[0] = workload.input[1] = options.image_size;
  }
  print(measure(options, workload), options, workload);
  return 0;
}

}  // namespace

void add_bench(CLI::App& app, Action& run) {
  CLI::App* const command = app.add_subcommand(
      "bench", "How long a training step or a prediction of a model takes");
  const auto options = std::make_shared<BenchOptions>();
  std::string names;
  for (const std::string& name : benchmarks::workload_names()) {
    names += (names.empty() ? "" : ", ") + name;
  }
  command
      ->add_option(
          "workload",
          options->workload,
          "One of " + names + "; after infer_, its prediction")
      ->type_name("WORKLOAD")
      ->required();
  command->add_option("--batch", options->batch, "Samples of a step")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000));
  command
      ->add_option(
          "--image-size",
          options->image_size,
          "Height and width of its pictures")
      ->type_name("N")
      ->check(CLI::Range(1, 100000));
  command
      ->add_option(
          "--steps", options->steps, "Steps of a round, from data in memory")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000));
  command->add_option("--rounds", options->rounds, "Rounds that are timed")
      ->type_name("N")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command->add_option("--dtype", options->dtype, "The policy, as in Keras")
      ->type_name("POLICY")
      ->capture_default_str();
  command->add_option("--weights", options->weights, "Start from these weights")
      ->type_name("FILE");
  command->add_option("--data", options->data, "Train on its arrays x and y")
      ->type_name("FILE.npz");
  command->add_flag(
      "--no-dropout", options->no_dropout, "With rates of 0 for dropout");
  command->add_flag(
      "--profile",
      options->profile,
      "Print the time of each layer and each kernel on standard error");
  command
      ->add_option(
          "--profile-to",
          options->profile_files,
          "Write the profile as a table, or as a Chrome trace")
      ->type_name("FILE.csv|FILE.json")
      ->take_all();
  command->add_flag(
      "--json", options->json, "Print one JSON object on the last line");
  command->callback(
      [&run, options] { run = [options] { return bench(*options); }; });
}

}  // namespace keratin::cli
