// Builds the graph of a step and keeps what was compiled.

#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/registry.hpp"
#include "src/train/feed.hpp"
#include "src/train/host_part.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

namespace {

const char* mode_name(Mode mode) {
  switch (mode) {
    case Mode::train:
      return "train";
    case Mode::test:
      return "test";
    case Mode::predict:
      return "predict";
  }
  return "";
}

void append_types(std::string& key, const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) {
    key += short_name(tensor.dtype());
    key += tensor.shape().str();
  }
  key += ';';
}

/// Freezing a layer changes what a training step is.
void append_trainable(std::string& key, const ModelImpl& model) {
  for (const Variable& variable : model.trainable_weights()) {
    key += format("{},", variable.id());
  }
}

/// Absent arrays are empty values.
std::vector<Value> parameters(
    Graph& graph,
    const std::vector<Tensor>& tensors,
    const std::vector<std::string>& names,
    const char* fallback) {
  std::vector<Value> values;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (absent(tensors[i])) {
      values.emplace_back();
      continue;
    }
    std::string name = i < names.size() ? names[i] : std::string(fallback);
    if (i >= names.size() && i > 0) name += format("_{}", i);
    values.push_back(graph.parameter(
        {tensors[i].dtype(), tensors[i].shape()}, std::move(name)));
  }
  return values;
}

Backend& backend_of(const ModelImpl& model) {
  if (model.compiled() && model.compile_arguments().run_eagerly) {
    return find_backend("reference");
  }
  return default_backend();
}

CompileOptions options_of(const ModelImpl& model, std::string name) {
  CompileOptions options;
  options.choices = model.trainer_state().choices;
  options.name = std::move(name);
  options.check_nan =
      env::check_nan() ||
      (model.compiled() && model.compile_arguments().run_eagerly);
  return options;
}

/// REQUIRES: the trainer's mutex is held.
void build_unlocked(ModelImpl& model, const std::vector<Tensor>& x) {
  if (model.built()) return;
  // Weights are made for any batch size.
  std::vector<Shape> shapes;
  for (const Tensor& tensor : x) {
    Shape shape = tensor.shape();
    if (!shape.empty()) shape[0] = kUnknown;
    shapes.push_back(std::move(shape));
  }
  model.ensure_built(shapes);
}

/// Puts back what a step that could not be built has settled.
class Undo {
 public:
  explicit Undo(TrainerState& state)
      : state_(state),
        resolved_(state.resolved),
        trained_known_(state.trained_known) {}

  ~Undo() {
    if (done_) return;
    if (!resolved_) {
      state_.resolved = false;
      state_.losses.clear();
      state_.metrics.clear();
      state_.loss_tracker.reset();
    }
    state_.trained_known = trained_known_;
  }

  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;

  void keep() { done_ = true; }

 private:
  TrainerState& state_;
  bool resolved_;
  bool trained_known_;
  bool done_ = false;
};

/// What is trainable is settled when compile is called, as in Keras.
void check_trainable(const ModelImpl& model) {
  const TrainerState& state = model.trainer_state();
  if (!state.trained_known || model.trainable_weights() == state.trained) {
    return;
  }
  throw InvalidArgument(format(
      "{} has other trainable weights than when it was compiled; call compile "
      "again after freezing or unfreezing layers",
      model.who()));
}

Graph build_step(ModelImpl& model, Mode mode, const FeedData& batch) {
  Graph graph;
  StepContext ctx(graph, model, mode == Mode::train);
  StepData data;
  data.x = parameters(graph, batch.x, model.input_names(), "x");
  std::vector<std::string> targets;
  for (const std::string& name : model.output_names()) {
    targets.push_back("y:" + name);
  }
  data.y = parameters(graph, batch.y, targets, "y");
  data.sample_weight =
      parameters(graph, batch.sample_weight, {}, "sample_weight");
  std::vector<Value> outputs;
  switch (mode) {
    case Mode::train:
      check_trainable(model);
      model.train_step(ctx, data);
      break;
    case Mode::test:
      model.test_step(ctx, data);
      break;
    case Mode::predict:
      outputs = model.predict_step(ctx, data.x);
      break;
  }
  // Predicting changes no state but what layers keep on purpose (stateful
  // layers, random counters).
  ctx.finish();
  graph.set_outputs(outputs);
  return graph;
}

}  // namespace

void build_model(ModelImpl& model, const std::vector<Tensor>& x) {
  const std::lock_guard lock(model.trainer().mutex);
  build_unlocked(model, x);
}

std::shared_ptr<Program> step_program(
    ModelImpl& model, Mode mode, const FeedData& batch, bool partial) {
  TrainerState& state = model.trainer();
  std::string key = mode_name(mode);
  append_types(key, batch.x);
  append_types(key, batch.y);
  append_types(key, batch.sample_weight);
  append_host_state(key, model);
  if (mode == Mode::train) append_trainable(key, model);
  const std::lock_guard lock(state.mutex);
  Backend& backend = backend_of(model);
  state.use_backend(backend);
  if (auto program = state.programs.find(key)) return program;
  build_unlocked(model, batch.x);
  Undo undo(state);
  const Graph graph = build_step(model, mode, batch);
  KERATIN_LOG(train, "{}: compiling {}", model.name(), key);
  CompileOptions options =
      options_of(model, model.name() + "_" + mode_name(mode));
  options.partial_batch = partial;
  auto program =
      std::make_shared<Program>(graph, backend, state.group, options);
  undo.keep();
  if (mode != Mode::predict) state.results.reset();
  return state.programs.keep(key, std::move(program));
}

namespace {

/// One output per running figure.
void build_results(ModelImpl& model) {
  TrainerState& state = model.trainer();
  Graph graph;
  CallContext ctx(graph);
  std::vector<Value> outputs;
  state.result_names.clear();
  const auto add = [&](const std::string& name, const Value& value) {
    state.result_names.push_back(name);
    outputs.push_back(ops::cast(value, DType::f64));
  };
  if (state.loss_tracker) add("loss", state.loss_tracker->result(ctx));
  for (const OutputMetric& metric : state.metrics) {
    add(metric.log_name, metric.metric.impl().result(ctx));
  }
  for (const OutputLoss& loss : state.losses) {
    if (loss.tracker) add(loss.tracker->name, loss.tracker->result(ctx));
  }
  for (const auto& tracker : state.tracked) {
    add(tracker->name, tracker->result(ctx));
  }
  graph.set_outputs(outputs);
  CompileOptions options;
  options.name = model.name() + "_metrics";
  state.results =
      std::make_shared<Program>(graph, backend_of(model), state.group, options);
}

}  // namespace

std::vector<Logs::Entry> metric_values(ModelImpl& model) {
  TrainerState& state = model.trainer();
  std::shared_ptr<Program> program;
  std::vector<std::string> names;
  {
    const std::lock_guard lock(state.mutex);
    state.use_backend(backend_of(model));
    if (!state.results) build_results(model);
    program = state.results;
    names = state.result_names;
  }
  const std::vector<Tensor> values = program->run({});
  std::vector<Logs::Entry> entries;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (values[i].size() == 1) {
      entries.emplace_back(names[i], values[i].at(0));
      continue;
    }
    // A metric per class logs each of its values.
    for (std::int64_t k = 0; k < values[i].size(); ++k) {
      entries.emplace_back(format("{}_{}", names[i], k), values[i].at(k));
    }
  }
  return entries;
}

}  // namespace keratin
