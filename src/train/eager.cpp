// A layer called on an array: a small program, kept for the next call.

#include <memory>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/host_layer.hpp>
#include <keratin/layer.hpp>
#include <keratin/layers/image_preprocessing.hpp>

#include "src/core/format.hpp"
#include "src/ir/graph.hpp"
#include "src/ir/text.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "src/train/program_cache.hpp"

namespace keratin {

namespace {

/// Shapes and modes that one layer is called with on arrays.
constexpr std::size_t kCapacity = 16;

/// All that the program depends on. A layer may emit other nodes from one call
/// to the next (it may have been frozen, or count its calls), so that the graph
/// itself tells programs apart; making one is cheap beside compiling it.
std::string key_of(const Graph& graph, const Backend& backend) {
  std::string key = format("{}\n{}", backend.name(), print(graph));
  // Paths are not unique.
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::read || node.op == Op::assign) {
      key += format(" {}", node.attrs.get<Variable>("variable").id());
    }
  }
  return key;
}

}  // namespace

Tensor Layer::operator()(const Tensor& x, bool training) const {
  if (!impl_->built()) {
    Shape shape = x.shape();
    if (!shape.empty()) shape[0] = kUnknown;
    impl_->ensure_built({shape});
  }
  if (auto* host = dynamic_cast<HostLayer*>(impl_.get());
      host != nullptr &&
      host->needs_host(Arguments<LayerImpl::Spec>({x.shape(), x.dtype()}))) {
    return host->call_host(HostInputs(x)).at(0);
  }
  Graph graph;
  CallContext ctx(graph, training);
  const Value value = graph.parameter({x.dtype(), x.shape()}, "x");
  const Value y = (*this)(ctx, value);
  ctx.finish();
  graph.set_outputs({y});

  static std::mutex mutex;
  std::shared_ptr<ProgramCache> cache;
  {
    const std::lock_guard lock(mutex);
    if (!impl_->array_programs_) {
      impl_->array_programs_ = std::make_shared<ProgramCache>(kCapacity);
    }
    cache = std::static_pointer_cast<ProgramCache>(impl_->array_programs_);
  }
  Backend& backend = default_backend();
  const std::string key = key_of(graph, backend);
  std::shared_ptr<Program> program = cache->find(key);
  if (!program) {
    CompileOptions options;
    options.name = impl_->name();
    program = cache->keep(
        key, std::make_shared<Program>(graph, backend, nullptr, options));
  }
  const std::vector<Tensor> inputs = {x};
  return program->run(inputs)[0];
}

namespace layers {

ImageData augment(const Layer& layer, const ImageData& data, bool training) {
  ImageData out = data;

  struct Part {
    const char* name;
    Tensor* tensor;
  };

  Graph graph;
  CallContext ctx(graph, training);
  CallInputs inputs;
  std::vector<Tensor> arrays;
  std::vector<Tensor*> places;
  for (const Part& part :
       {Part{"", &out.images},
        Part{"labels", &out.labels},
        Part{"segmentation_masks", &out.segmentation_masks},
        Part{"boxes", &out.boxes},
        Part{"box_labels", &out.box_labels}}) {
    const Tensor& array = *part.tensor;
    if (array.size() == 0) continue;
    arrays.push_back(array);
    places.push_back(part.tensor);
    inputs.items.push_back(
        {part.name, {graph.parameter({array.dtype(), array.shape()}, "x")}});
  }
  if (out.images.size() == 0) {
    throw InvalidArgument("[augment] expected images, got none");
  }
  const std::vector<Value> results = layer.call(ctx, inputs);
  if (results.size() != places.size()) {
    throw InvalidArgument(format(
        "[augment] expected a layer on images and labels, got {}",
        layer.impl().who()));
  }
  ctx.finish();
  graph.set_outputs(results);
  Program program(graph, default_backend());
  const std::vector<Tensor> arrived = program.run(arrays);
  for (std::size_t i = 0; i < places.size(); ++i) *places[i] = arrived[i];
  return out;
}

}  // namespace layers

}  // namespace keratin
