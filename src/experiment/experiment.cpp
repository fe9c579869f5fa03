#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <utility>

#include <keratin/backend.hpp>
#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/random.hpp>

#include "src/core/format.hpp"
#include "src/experiment/backup.hpp"
#include "src/experiment/data.hpp"
#include "src/experiment/data_part.hpp"
#include "src/experiment/outputs.hpp"
#include "src/experiment/parts.hpp"
#include "src/experiment/phases.hpp"
#include "src/experiment/trainable.hpp"

namespace keratin {

using experiment::Root;

namespace {

/// Sets `path` ("fit.epochs", "model.layers.2") in the config.
void set_at(Config& config, const std::string& path, const Config& value) {
  const std::size_t dot = path.find('.');
  const std::string key = path.substr(0, dot);
  Config* at = nullptr;
  if (config.is_array()) {
    std::size_t index = config.size();
    if (!key.empty() &&
        key.find_first_not_of("0123456789") == std::string::npos &&
        key.size() < 10) {
      index = std::stoul(key);
    }
    if (index >= config.size()) {
      throw InvalidArgument(format(
          "[$] expected an index below {}, got '{}'", config.size(), key));
    }
    at = &config.as_array()[index];
  } else {
    if (!config.is_object() && !config.is_null()) {
      throw InvalidArgument(format(
          "[$] cannot set '{}' in what is no object but {}",
          key,
          config.kind()));
    }
    at = &config[key];
  }
  if (dot == std::string::npos) {
    *at = value;
  } else {
    set_at(*at, path.substr(dot + 1), value);
  }
}

/// set_deterministic for the time of a scope.
class DeterministicScope {
 public:
  DeterministicScope() : before_(deterministic()) { set_deterministic(true); }

  ~DeterministicScope() { set_deterministic(before_); }

  DeterministicScope(const DeterministicScope&) = delete;
  DeterministicScope& operator=(const DeterministicScope&) = delete;

 private:
  bool before_;
};

std::int64_t count_of(const std::vector<Variable>& variables) {
  std::int64_t count = 0;
  for (const Variable& variable : variables) count += variable.shape().size();
  return count;
}

std::string read_text(const std::string& path) {
  if (std::filesystem::is_directory(path)) {
    throw InvalidArgument(format("[{}] expected a file, got a folder", path));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) throw SystemError(format("[{}] cannot be opened for reading", path));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) throw SystemError(format("[{}] cannot be read", path));
  return text;
}

}  // namespace

namespace {

/// What a run tells: in words, as events, or both.
struct Reporter {
  const RunOptions& options;

  void say(const std::string& text) const {
    if (options.out != nullptr) *options.out << text << std::flush;
  }

  void event(const Config& members) const {
    if (options.event) options.event(members);
  }

  void phase(std::size_t number, std::size_t of, const Model& model) const {
    const std::int64_t training = count_of(model.trainable_weights());
    say(format(
        "phase {} of {}: {} of {} parameters train\n",
        number,
        of,
        training,
        model.count_params()));
    event(Config::object(
        {{"event", "phase"},
         {"phase", static_cast<std::int64_t>(number)},
         {"phases", static_cast<std::int64_t>(of)},
         {"trainable_params", training},
         {"params", model.count_params()}}));
  }

  void results(const char* part, const Logs& logs) const {
    say(format("{}:", part));
    Config members = Config::object({{"event", part}});
    for (const auto& [name, value] : logs.entries()) {
      say(format("  {} {:.4f}", name, value));
      members[name] = value;
    }
    say("\n");
    event(members);
  }

  void wrote(const char* what, const std::string& path) const {
    say(format("wrote the {} {}\n", what, path));
    event(Config::object({{"event", "wrote"}, {"what", what}, {"path", path}}));
  }
};

}  // namespace

struct Experiment::Impl {
  Root root;
  std::string folder;
  std::optional<ExperimentData> data;
  std::optional<Model> model;

  /// What can be checked before data are read.
  void check() {
    root.check("$");
    experiment::check_data_files(*root.data, folder, "$.data");
    if (root.data->gives_batches()) check_fit_of_batches();
    const std::string& file = root.model.file();
    if (!file.empty() && !std::filesystem::is_regular_file(model_path())) {
      throw InvalidArgument(format(
          "[$.model] expected an object or a file that can be read, got '{}'",
          model_path()));
    }
  }

  /// What fit looks at after every epoch, when it is no share of its own.
  std::optional<ValidationData> validation_data(
      const experiment::FitSection& fit) {
    const ExperimentData& all = load();
    const std::string wanted = fit.validation_data.value_or(
        all.validation.empty() || fit.validation_split > 0 ? "" : "validation");
    if (wanted.empty()) return std::nullopt;
    const DataPart& part = wanted == "test" ? all.test : all.validation;
    if (part.empty()) {
      throw InvalidArgument(format(
          "[$.fit.validation_data] the data have no {} part{}",
          wanted,
          root.data->images      ? "; give its folder"
          : root.data->streams() ? "; name its files"
          : wanted == "test"     ? "; give $.data.test_size"
                             : "; only data in files of their own have one"));
    }
    if (part.batches) return ValidationData(*part.batches);
    return ValidationData(part.x, part.y);
  }

  FitArguments fit_arguments(
      const experiment::Phase& phase,
      const experiment::Backup& backup,
      std::size_t number,
      const RunOptions& options) {
    FitArguments out = phase.fit->arguments();
    if (phase.fit->balanced()) {
      out.class_weight = experiment::balanced_weights(load().train);
    }
    if (options.verbose) out.verbose = options.verbose;
    out.callbacks = backup.callbacks(phase.callbacks, number);
    out.callbacks.insert(
        out.callbacks.end(),
        options.callbacks.begin(),
        options.callbacks.end());
    out.validation_data = validation_data(*phase.fit);
    return out;
  }

  /// One phase after the other.
  History train(
      Model& built,
      const std::vector<experiment::Phase>& phases,
      const experiment::Backup& backup,
      const Reporter& report) {
    const RunOptions& options = report.options;
    History history;
    for (std::size_t i = 0; i < phases.size(); ++i) {
      const experiment::Phase& phase = phases[i];
      if (i > 0 && options.stop && options.stop()) break;
      experiment::apply(experiment::trainable_flags_of_layers(
          built, phase.trainable, format("$.phases[{}].trainable", i)));
      if (phase.compile) built.compile(*phase.compile);
      if (phases.size() > 1) {
        report.phase(i + 1, phases.size(), built);
      }
      FitArguments arguments = fit_arguments(phase, backup, i, options);
      // Epochs are counted on.
      const std::int64_t before =
          history.epoch.empty() ? 0 : history.epoch.back() + 1;
      arguments.initial_epoch += before;
      arguments.epochs += before;
      experiment::append(
          history, experiment::fit_part(built, load().train, arguments));
    }
    return history;
  }

  /// Datasets come in batches.
  void check_fit_of_batches() const {
    const experiment::DataSection& given = *root.data;
    const char* const source = given.images ? "image_dataset_from_directory."
                               : given.image_list ? "image_list."
                               : given.tfrecord   ? "tfrecord."
                               : given.streams()  ? "csv."
                                                  : "";
    for (const experiment::Phase& phase : experiment::phases_of(root)) {
      const auto refuse = [&](const char* key, const std::string& what) {
        throw InvalidArgument(
            format("[$.fit.{}] expected none for {}", key, what));
      };
      if (phase.fit->batch_size) {
        refuse(
            "batch_size",
            format(
                "{}; say $.data.{}batch_size",
                given.images ? "pictures in folders" : "data in batches",
                source));
      }
      if (phase.fit->validation_split <= 0) continue;
      if (given.images || given.image_list) {
        refuse(
            "validation_split",
            format(
                "pictures in folders; say $.data.{}validation_split", source));
      }
      refuse(
          "validation_split",
          "data in batches; say \"validation_data\": \"test\"");
    }
  }

  std::string model_path() const {
    return (std::filesystem::path(folder) / root.model.file())
        .lexically_normal()
        .string();
  }

  const ExperimentData& load(bool verbose = true) {
    if (!data) {
      data = experiment::load_data(*root.data, folder, "$.data", verbose);
    }
    return *data;
  }
};

Experiment::Experiment(const Config& config, std::string folder)
    : impl_(std::make_unique<Impl>()) {
  impl_->folder = std::move(folder);
  impl_->root.model.set_folder(impl_->folder);
  // Before the layers are made: seeds of initializers come from this one.
  if (const Config* seed = config.find("seed");
      seed != nullptr && seed->is_int() && seed->as_int() >= 0) {
    set_random_seed(static_cast<std::uint64_t>(seed->as_int()));
  }
  impl_->root.from_config(config, "$");
  impl_->check();
}

Experiment::~Experiment() = default;

Experiment::Experiment(Experiment&&) noexcept = default;

Experiment& Experiment::operator=(Experiment&&) noexcept = default;

Experiment Experiment::from_file(
    const std::string& path,
    const std::vector<std::pair<std::string, Config>>& overrides) {
  Config config = Config::parse(read_text(path), path);
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  try {
    for (const auto& [key, value] : overrides) set_at(config, key, value);
    return Experiment(config, std::move(folder));
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(format("{}: {}", path, error.what()));
  }
}

const ExperimentData& Experiment::data() {
  return impl_->load();
}

Model Experiment::model() {
  if (impl_->model) return *impl_->model;
  Model model =
      impl_->root.model.file().empty()
          ? impl_->root.model.load()
          : experiment::model_from_file(impl_->model_path(), "$.model");
  // What the config describes knows no data yet; what a file holds does.
  if (impl_->root.model.file().empty()) {
    experiment::adapt_layers(model, impl_->load().train);
  }
  if (!model.built()) model.build(experiment::input_shape(impl_->load().train));
  model.compile(compile_arguments());
  impl_->model = model;
  return model;
}

CompileArguments Experiment::compile_arguments() const {
  return impl_->root.compile.arguments();
}

Config Experiment::config() const {
  return impl_->root.get_config();
}

RunResult Experiment::run(const RunOptions& options) {
  const experiment::OutputSection& output = impl_->root.output.or_default();
  experiment::check_outputs(output, "$.output");
  if (!options.predictions.empty()) {
    experiment::check_output(options.predictions, "--predictions");
  }
  const ExperimentData& data = impl_->load(options.out != nullptr);
  Model model = this->model();
  const Reporter report{options};
  report.say(model.summary() + "\n");
  const std::vector<experiment::Phase> phases =
      experiment::phases_of(impl_->root);
  const experiment::Backup backup(phases, options);
  RunResult result;
  result.history = impl_->train(model, phases, backup, report);
  const std::int64_t batch_size =
      impl_->root.fit.or_default().arguments().batch_size;
  if (!data.validation.empty()) {
    result.validation =
        experiment::evaluate_part(model, data.validation, batch_size);
    report.results("validation", result.validation);
  }
  if (data.has_test()) {
    result.test = experiment::evaluate_part(model, data.test, batch_size);
    report.results("test", result.test);
  }

  if (output.model) {
    model.save(*output.model);
    report.wrote("model", *output.model);
  }
  if (output.weights) {
    model.save_weights(*output.weights);
    report.wrote("weights", *output.weights);
  }
  if (output.history) {
    experiment::write_history(*output.history, result.history);
    report.wrote("history", *output.history);
  }
  const std::string predictions = options.predictions.empty()
                                      ? output.predictions.value_or("")
                                      : options.predictions;
  if (!predictions.empty()) {
    // As `keratin predict` computes them, so that the two are equal.
    const DeterministicScope scope;
    io::save_npy(predictions, experiment::predict_part(model, data.last()));
    report.wrote("predictions", predictions);
  }
  if (options.stop && options.stop()) {
    result.checkpoint = backup.find();
  } else {
    backup.remove();
  }
  return result;
}

std::string Experiment::backup_dir() const {
  return experiment::Backup(experiment::phases_of(impl_->root), {}).folder();
}

ExperimentData load_named_data(const std::string& name) {
  experiment::DataSection section;
  section.from_config(Config::object({{"name", name}}), "data");
  return experiment::load_data(section, ".", "data");
}

}  // namespace keratin
