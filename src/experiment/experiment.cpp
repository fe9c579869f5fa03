#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <utility>

#include <keratin/backend.hpp>
#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>
#include <keratin/experiment.hpp>
#include <keratin/host_layer.hpp>
#include <keratin/io/npy.hpp>
#include <keratin/random.hpp>

#include "src/core/format.hpp"
#include "src/experiment/data.hpp"
#include "src/experiment/outputs.hpp"
#include "src/experiment/parts.hpp"

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

/// Calls adapt of the layers that work on the data themselves, as one would in
/// C++ before training: those of a stack up to the first with weights, and
/// those behind the input of another model.
void adapt_layers(const Model& model, const Tensor& x) {
  std::vector<Layer> adaptable;
  const auto wants = [](const Layer& layer) {
    const auto* state = dynamic_cast<const Adaptable*>(&layer.impl());
    return state != nullptr && !state->adapted();
  };
  const std::vector<Layer> layers = model.layers();
  if (model.impl().class_name() == "Sequential") {
    std::size_t last = layers.size();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (wants(layers[i])) last = i;
    }
    Tensor data = x;
    for (std::size_t i = 0; i <= last && last < layers.size(); ++i) {
      if (wants(layers[i])) adapt(layers[i], data);
      if (i < last) data = layers[i](data);
    }
    return;
  }
  const std::vector<SymbolicTensor> inputs = model.inputs();
  if (inputs.size() != 1) return;
  for (const Layer& layer : layers) {
    if (wants(layer) && layer.input() == inputs[0]) adapt(layer, x);
  }
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

struct Experiment::Impl {
  Root root;
  std::string folder;
  std::optional<ExperimentData> data;
  std::optional<Model> model;

  /// What can be checked before data are read.
  void check() {
    root.check("$");
    experiment::check_data_files(*root.data, folder, "$.data");
    const std::string& file = root.model.file();
    if (!file.empty() && !std::filesystem::is_regular_file(model_path())) {
      throw InvalidArgument(format(
          "[$.model] expected an object or a file that can be read, got '{}'",
          model_path()));
    }
  }

  std::string model_path() const {
    return (std::filesystem::path(folder) / root.model.file())
        .lexically_normal()
        .string();
  }

  const ExperimentData& load() {
    if (!data) data = experiment::load_data(*root.data, folder, "$.data");
    return *data;
  }
};

Experiment::Experiment(const Config& config, std::string folder)
    : impl_(std::make_unique<Impl>()) {
  impl_->folder = std::move(folder);
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
          ? *impl_->root.model.model()
          : experiment::model_from_file(impl_->model_path(), "$.model");
  // What the config describes knows no data yet; what a file holds does.
  if (impl_->root.model.file().empty()) {
    adapt_layers(model, impl_->load().train.x);
  }
  if (!model.built()) {
    Shape shape = impl_->load().train.x.shape();
    shape[0] = kUnknown;
    model.build(shape);
  }
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
  const ExperimentData& data = this->data();
  Model model = this->model();
  const auto say = [&](const std::string& text) {
    if (options.out != nullptr) *options.out << text << std::flush;
  };
  say(model.summary() + "\n");

  const experiment::FitSection& fit = impl_->root.fit.or_default();
  FitArguments arguments = fit.arguments();
  if (options.verbose) arguments.verbose = options.verbose;
  arguments.callbacks = impl_->root.callbacks.callbacks();
  arguments.callbacks.insert(
      arguments.callbacks.end(),
      options.callbacks.begin(),
      options.callbacks.end());
  if (fit.validation_data) {
    if (!data.has_test()) {
      throw InvalidArgument(
          "[$.fit.validation_data] the data have no test part; give "
          "$.data.test_size");
    }
    arguments.validation_data = ValidationData{data.test.x, data.test.y};
  }

  RunResult result;
  result.history = model.fit(data.train.x, data.train.y, arguments);
  if (data.has_test()) {
    result.test = model.evaluate(
        data.test.x,
        data.test.y,
        {.batch_size = arguments.batch_size, .verbose = 0});
    say("test:");
    for (const auto& [name, value] : result.test.entries()) {
      say(format("  {} {:.4f}", name, value));
    }
    say("\n");
  }

  const auto wrote = [&](const char* what, const std::string& path) {
    say(format("wrote {} {}\n", what, path));
  };
  if (output.model) {
    model.save(*output.model);
    wrote("the model", *output.model);
  }
  if (output.weights) {
    model.save_weights(*output.weights);
    wrote("the weights", *output.weights);
  }
  if (output.history) {
    experiment::write_history(*output.history, result.history);
    wrote("the history", *output.history);
  }
  const std::string predictions = options.predictions.empty()
                                      ? output.predictions.value_or("")
                                      : options.predictions;
  if (!predictions.empty()) {
    const Tensor& x = data.has_test() ? data.test.x : data.train.x;
    // As `keratin predict` computes them, so that the two are equal.
    const DeterministicScope scope;
    io::save_npy(predictions, model.predict(x));
    wrote("the predictions", predictions);
  }
  return result;
}

ExperimentData load_named_data(const std::string& name) {
  experiment::DataSection section;
  section.from_config(Config::object({{"name", name}}), "data");
  return experiment::load_data(section, ".", "data");
}

}  // namespace keratin
