// Layers in a pipeline.

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include <keratin/data/augment.hpp>
#include <keratin/error.hpp>
#include <keratin/layers/image_preprocessing.hpp>
#include <keratin/threads.hpp>

#include "src/core/format.hpp"
#include "src/core/parallel.hpp"
#include "src/data/pipeline/nodes.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

namespace keratin::data {

namespace {

/// The seeds of a layer and of those in it.
void collect_seeds(const LayerImpl& layer, std::vector<Variable>& out) {
  for (const Variable& seed : layer.seeds()) out.push_back(seed);
  for (const auto& [attribute, inner] : layer.sublayers()) {
    collect_seeds(inner.impl(), out);
  }
}

/// The config with 0 for every seed that is not given: a copy must not draw one
/// of set_random_seed's, and starts from another at every batch anyway.
Config with_seeds(Config config) {
  if (config.is_array()) {
    for (Config& item : config.as_array()) item = with_seeds(std::move(item));
  }
  if (!config.is_object()) return config;
  for (auto& [key, value] : config.as_object()) {
    value = key == "seed" && value.is_null() ? Config(0)
                                             : with_seeds(std::move(value));
  }
  return config;
}

[[noreturn]] void refuse_weights(const Layer& layer) {
  throw InvalidArgument(format(
      "[data::augment] expected layers without weights, got {}; put it into "
      "the model",
      layer ? layer.impl().who() : std::string("an empty one")));
}

/// Layers of one thread's own, with a program for each kind of batch.
class Copy {
 public:
  explicit Copy(const Config& layers)
      : pipeline_(deserialize_layer(layers, "augment")) {}

  void run(Element& element, std::uint64_t seed) {
    const Tensor& images = detail::only(element.x, "x");
    const bool labelled = element.y.size() == 1 &&
                          element.y.tensors()[0].rank() == 2 &&
                          is_floating(element.y.tensors()[0].dtype());
    std::vector<Tensor> inputs = {images};
    if (labelled) inputs.push_back(element.y.tensors()[0]);
    Program& program = program_of(inputs);
    // A seed's variable is {seed, counter}.
    std::uint64_t number = 0;
    for (Variable& variable : seeds_) {
      const std::uint64_t mixed = mix_seed(seed, number++, 3);
      variable.assign(Tensor(
          std::vector<std::uint32_t>{static_cast<std::uint32_t>(mixed), 0}));
    }
    const std::vector<Tensor> results = program.run(inputs);
    element.x = results[0];
    if (labelled) element.y = results[1];
  }

 private:
  using Key = std::vector<std::pair<DType, std::vector<std::int64_t>>>;

  Program& program_of(const std::vector<Tensor>& inputs) {
    Key key;
    for (const Tensor& tensor : inputs) {
      key.emplace_back(tensor.dtype(), tensor.shape().dims());
    }
    std::unique_ptr<Program>& program = programs_[key];
    if (!program) program = compile(inputs);
    return *program;
  }

  std::unique_ptr<Program> compile(const std::vector<Tensor>& inputs) {
    Graph graph;
    CallContext ctx(graph, true);
    CallInputs given;
    const char* name = "";
    for (const Tensor& tensor : inputs) {
      given.items.push_back(
          {name, {graph.parameter({tensor.dtype(), tensor.shape()}, "x")}});
      name = "labels";
    }
    const std::vector<Value> results = pipeline_.call(ctx, given);
    ctx.finish();
    graph.set_outputs(results);
    if (!pipeline_.weights().empty()) refuse_weights(pipeline_);
    if (seeds_.empty()) collect_seeds(pipeline_.impl(), seeds_);
    // Chosen without timing: neither the threads beside it nor a run that is
    // resumed may change the result.
    CompileOptions options;
    options.name = "augment";
    options.deterministic = true;
    return std::make_unique<Program>(
        graph, default_backend(), nullptr, options);
  }

  Layer pipeline_;
  std::vector<Variable> seeds_;
  std::map<Key, std::unique_ptr<Program>> programs_;
};

/// Copies that no thread uses right now.
class Copies {
 public:
  explicit Copies(Config layers) : layers_(std::move(layers)) {}

  void run(Element& element, std::uint64_t seed) {
    std::unique_ptr<Copy> copy = take();
    copy->run(element, seed);
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(copy));
  }

 private:
  std::unique_ptr<Copy> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        std::unique_ptr<Copy> copy = std::move(free_.back());
        free_.pop_back();
        return copy;
      }
    }
    return std::make_unique<Copy>(layers_);
  }

  Config layers_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Copy>> free_;
};

}  // namespace

Dataset augment(
    const Dataset& batches,
    const std::vector<Layer>& layers,
    const AugmentOptions& options) {
  if (layers.empty()) {
    throw InvalidArgument("[data::augment] expected layers, got none");
  }
  for (const Layer& layer : layers) {
    if (!layer || !layer.weights().empty()) refuse_weights(layer);
  }
  const auto copies = std::make_shared<Copies>(
      with_seeds(serialize(layers::Pipeline(layers, "augment").impl())));
  return Dataset(make_map(
      batches.node(),
      [copies](Element element, const MapContext& context) {
        copies->run(element, context.seed);
        return element;
      },
      {.num_parallel_calls = options.num_parallel_calls,
       .deterministic = options.deterministic,
       .seed = options.seed},
      "augment"));
}

}  // namespace keratin::data
