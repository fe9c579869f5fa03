// keratin data: what a config's pipeline yields, and where its time goes.

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <set>

#include <keratin/data/profile.hpp>
#include <keratin/error.hpp>
#include <keratin/experiment.hpp>

#include "src/cli/commands.hpp"
#include "src/cli/data_statistics.hpp"
#include "src/cli/override.hpp"
#include "src/cli/sample_sheet.hpp"

namespace keratin::cli {

namespace {

struct DataOptions {
  std::string config;
  std::vector<std::string> set;
  std::string samples;
  std::int64_t batches = -1;  // all
  bool json = false;
};

struct PartReport {
  std::string name;
  DataStatistics statistics;
  data::DatasetProfile profile;
  std::vector<std::string> bad;  // files
};

/// Damaged files are listed, all of them, rather than an end.
void pass_over_errors(
    const std::string& path,
    std::vector<std::pair<std::string, Config>>& overrides) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return;  // said by whoever reads it next
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Config config = Config::parse(text, path);
  const Config* const data = config.find("data");
  if (data == nullptr) return;
  for (const char* const source :
       {"image_dataset_from_directory", "image_list", "tfrecord"}) {
    if (!data->contains(source)) continue;
    overrides.insert(
        overrides.begin(),
        {std::string("data.") + source + ".on_error", Config("skip")});
  }
  const Config* const csv = data->find("csv");
  const Config* const stream = csv == nullptr ? nullptr : csv->find("stream");
  if (stream != nullptr && stream->is_bool() && stream->as_bool()) {
    overrides.insert(overrides.begin(), {"data.csv.on_error", Config("skip")});
  }
}

data::Dataset batches_of(const DataPart& part) {
  if (part.batches) return *part.batches;
  constexpr std::int64_t kBatch = 32;
  const data::Dataset rows =
      part.y.size() > 0 ? data::Dataset::from_tensor_slices(part.x, part.y)
                        : data::Dataset::from_tensor_slices(part.x);
  return rows.batch(kBatch);
}

PartReport look_at(
    const std::string& name,
    const DataPart& part,
    std::int64_t batches,
    SampleSheet* sheet) {
  PartReport out;
  out.name = name;
  const data::Dataset dataset = batches_of(part);
  // A pass for the speed alone: while numbers are looked at, threads go on.
  out.profile = data::profile(dataset, batches);
  for (const data::Element& batch : dataset.take(batches)) {
    out.statistics.add(batch);
    if (sheet != nullptr) sheet->add(batch.x.tensors().at(0));
  }
  if (part.skipped) out.bad = part.skipped();
  return out;
}

double per_second(const PartReport& part) {
  return part.profile.seconds > 0
             ? static_cast<double>(part.statistics.rows()) /
                   part.profile.seconds
             : 0;
}

void print(const PartReport& part) {
  std::printf(
      "%s: %lld examples in %lld batches\n",
      part.name.c_str(),
      static_cast<long long>(part.statistics.rows()),
      static_cast<long long>(part.profile.elements));
  for (const TensorStatistics& tensor : part.statistics.tensors()) {
    std::printf("  %s\n", tensor.line().c_str());
    const std::string classes = tensor.classes_line();
    if (!classes.empty()) std::printf("    %s\n", classes.c_str());
  }
  if (!part.bad.empty()) {
    std::printf("  left out: %zu\n", part.bad.size());
    for (const std::string& message : part.bad) {
      std::printf("    %s\n", message.c_str());
    }
  }
  std::printf(
      "  %.0f examples a second (%.2f s)\n",
      per_second(part),
      part.profile.seconds);
  std::printf(
      "    %-32s %10s %10s %10s\n", "stage", "elements", "work, s", "waits, s");
  for (const data::StageProfile& stage : part.profile.stages) {
    std::printf(
        "    %-32s %10lld %10.3f %10.3f\n",
        stage.stage.c_str(),
        static_cast<long long>(stage.elements),
        stage.work_seconds,
        stage.wait_seconds);
  }
}

Config to_config(const PartReport& part) {
  Config tensors = Config::array();
  for (const TensorStatistics& tensor : part.statistics.tensors()) {
    tensors.push_back(tensor.to_config());
  }
  Config bad = Config::array();
  for (const std::string& message : part.bad) bad.push_back(message);
  Config stages = Config::array();
  for (const data::StageProfile& stage : part.profile.stages) {
    stages.push_back(Config::object(
        {{"stage", stage.stage},
         {"elements", stage.elements},
         {"work_seconds", stage.work_seconds},
         {"wait_seconds", stage.wait_seconds}}));
  }
  return Config::object(
      {{"part", part.name},
       {"examples", part.statistics.rows()},
       {"batches", part.profile.elements},
       {"tensors", std::move(tensors)},
       {"skipped", std::move(bad)},
       {"seconds", part.profile.seconds},
       {"examples_per_second", per_second(part)},
       {"stages", std::move(stages)}});
}

int report(const DataOptions& options) {
  std::vector<std::pair<std::string, Config>> overrides;
  for (const std::string& text : options.set) {
    overrides.push_back(parse_override(text, "data.test_size=0.1"));
  }
  pass_over_errors(options.config, overrides);
  Experiment experiment = Experiment::from_file(options.config, overrides);
  const ExperimentData& data = experiment.data();
  SampleSheet sheet;
  std::vector<PartReport> parts;
  const auto look = [&](const char* name, const DataPart& part) {
    if (part.empty()) return;
    const bool first = parts.empty() && !options.samples.empty();
    parts.push_back(
        look_at(name, part, options.batches, first ? &sheet : nullptr));
  };
  look("train", data.train);
  look("validation", data.validation);
  look("test", data.test);
  if (options.json) {
    Config list = Config::array();
    for (const PartReport& part : parts) list.push_back(to_config(part));
    std::cout << Config::object({{"parts", std::move(list)}}).dump(2) << "\n";
  } else {
    for (const PartReport& part : parts) print(part);
    std::fflush(stdout);
  }
  if (options.samples.empty()) return 0;
  if (sheet.empty()) {
    throw InvalidArgument(
        "[--samples] expected pictures [batch, rows, columns(, 1, 3 or 4)] "
        "as x, got other data");
  }
  sheet.save(options.samples);
  return 0;
}

}  // namespace

void add_data(CLI::App& app, Action& run) {
  CLI::App* const command = app.add_subcommand(
      "data",
      "Look at the data of a config: shapes, classes, ranges, missing values, "
      "bad files, speed");
  const auto options = std::make_shared<DataOptions>();
  command->add_option("config", options->config, "The config, a JSON file")
      ->type_name("CONFIG.json")
      ->required();
  command
      ->add_option(
          "--set",
          options->set,
          "Change a value of the config, as in --set data.seed=3")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      ->add_option(
          "--samples",
          options->samples,
          "Write the first 64 pictures of the training part, as the model gets "
          "them")
      ->type_name("FILE.png");
  command
      ->add_option(
          "--batches", options->batches, "Look at so many batches of each part")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40));
  command->add_flag("--json", options->json, "Print JSON");
  command->callback(
      [&run, options] { run = [options] { return report(*options); }; });
}

}  // namespace keratin::cli
