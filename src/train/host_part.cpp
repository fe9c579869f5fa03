#include "src/train/host_part.hpp"

#include <utility>

#include "src/core/format.hpp"
#include "src/ir/graph.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

namespace keratin {

std::shared_ptr<const HostPart> host_part_of(const ModelImpl& model) {
  const auto* const owner = dynamic_cast<const HasHostPart*>(&model);
  return owner == nullptr ? nullptr : owner->host_part();
}

void append_host_state(std::string& key, const LayerImpl& layer) {
  if (const auto* host = dynamic_cast<const HostLayer*>(&layer)) {
    key += format("{}@{};", layer.name(), host->state_version());
  }
  for (const auto& [attribute, inner] : layer.sublayers()) {
    append_host_state(key, inner.impl());
  }
}

namespace {

/// Strings as numbers: 1 and so on, so that 0 stands for padding.
class StringPool {
 public:
  Tensor numbers(const Tensor& tensor) {
    if (tensor.dtype() != DType::string) return tensor;
    any_ = true;
    Tensor out(DType::i64, tensor.shape());
    const auto to = out.mutable_data<std::int64_t>();
    const auto from = tensor.data<std::string>();
    for (std::size_t i = 0; i < from.size(); ++i) {
      pool_.push_back(from[i]);
      to[i] = static_cast<std::int64_t>(pool_.size());
    }
    return out;
  }

  Tensor strings(const Tensor& numbers) const {
    Tensor out(DType::string, numbers.shape());
    const auto to = out.mutable_data<std::string>();
    const auto from = numbers.data<std::int64_t>();
    for (std::size_t i = 0; i < from.size(); ++i) {
      const auto at = static_cast<std::size_t>(from[i]);
      if (at >= 1 && at <= pool_.size()) to[i] = pool_[at - 1];
    }
    return out;
  }

  bool any() const { return any_; }

 private:
  bool any_ = false;
  std::vector<std::string> pool_;
};

}  // namespace

std::vector<Tensor> run_layer(
    LayerImpl& layer, const HostInputs& inputs, ProgramCache& programs) {
  StringPool pool;
  Graph graph;
  CallContext ctx(graph);
  CallInputs values;
  std::vector<Tensor> arrays;
  std::string key = format("{}", static_cast<const void*>(&layer));
  for (const Argument<Tensor>& item : inputs.items) {
    Argument<Value> argument{item.name, {}, item.is_list, item.constant};
    for (const Tensor& tensor : item.tensors) {
      arrays.push_back(pool.numbers(tensor));
      const Tensor& array = arrays.back();
      key += format(" {}{}", array.dtype(), array.shape());
      argument.tensors.push_back(
          graph.parameter({array.dtype(), array.shape()}, "x"));
    }
    values.items.push_back(std::move(argument));
  }
  append_host_state(key, layer);
  std::shared_ptr<Program> program = programs.find(key);
  if (!program) {
    graph.set_outputs(layer.invoke(ctx, values));
    CompileOptions options;
    options.name = layer.name();
    program = programs.keep(
        key,
        std::make_shared<Program>(graph, default_backend(), nullptr, options));
  }
  std::vector<Tensor> results = program->run(arrays);
  if (pool.any()) {
    for (Tensor& result : results) result = pool.strings(result);
  }
  return results;
}

}  // namespace keratin
