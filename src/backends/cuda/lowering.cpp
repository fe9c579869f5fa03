#include "src/backends/cuda/lowering.hpp"

#include <algorithm>
#include <utility>

#include "src/backends/cuda/epilogues.hpp"
#include "src/core/check.hpp"
#include "src/core/format.hpp"
#include "src/ir/op_info.hpp"

namespace keratin::cuda {

namespace {

using LowerFunction = Lowering (*)(const LowerArgs&);

struct Entry {
  Op op;
  LowerFunction lower;
};

// Besides these, every element-wise op has a lowering.
constexpr Entry kEntries[] = {
    {Op::fused, lower_elementwise},
    {Op::reshape, lower_alias},
    {Op::stop_gradient, lower_alias},
    {Op::reduce_sum, lower_reduce},
    {Op::reduce_mean, lower_reduce},
    {Op::reduce_max, lower_reduce},
    {Op::reduce_min, lower_reduce},
    {Op::reduce_prod, lower_reduce},
    {Op::reduce_any, lower_reduce},
    {Op::reduce_all, lower_reduce},
    {Op::argmax, lower_arg},
    {Op::argmin, lower_arg},
    {Op::matmul, lower_matmul},
    {Op::transpose, lower_gather},
    {Op::broadcast_to, lower_gather},
    {Op::slice, lower_gather},
    {Op::reverse, lower_gather},
    {Op::concatenate, lower_concatenate},
    {Op::pad, lower_pad},
    {Op::iota, lower_iota},
    {Op::take, lower_take},
    {Op::take_along_axis, lower_take},
    {Op::scatter_add, lower_scatter},
    {Op::scatter_along_axis, lower_scatter},
    {Op::one_hot, lower_one_hot},
    {Op::sort, lower_sort},
    {Op::top_k, lower_sort},
    {Op::cumsum, lower_cumsum},
    {Op::conv, lower_conv},
    {Op::conv_backward_data, lower_conv},
    {Op::conv_backward_weights, lower_conv},
    {Op::max_pool, lower_pool},
    {Op::max_pool_grad, lower_pool},
    {Op::average_pool, lower_pool},
    {Op::average_pool_grad, lower_pool},
    {Op::softmax, lower_softmax},
    {Op::log_softmax, lower_softmax},
    {Op::softmax_cross_entropy, lower_cross_entropy},
    {Op::sparse_softmax_cross_entropy, lower_cross_entropy},
    {Op::batch_norm_training, lower_batch_norm},
    {Op::batch_norm_inference, lower_batch_norm},
    {Op::batch_norm_grad, lower_batch_norm},
    {Op::layer_norm, lower_layer_norm},
    {Op::layer_norm_grad, lower_layer_norm},
    {Op::random_bits, lower_random},
    {Op::random_uniform, lower_random},
    {Op::random_normal, lower_random},
    {Op::scan, lower_scan},
    {Op::cond, lower_cond},
    {Op::while_loop, lower_while},
};

LowerFunction find(Op op) {
  for (const Entry& entry : kEntries) {
    if (entry.op == op) return entry.lower;
  }
  return op_info(op).elementwise ? lower_elementwise : nullptr;
}

bool is_structure(Op op) {
  return op == Op::parameter || op == Op::constant || op == Op::read ||
         op == Op::assign;
}

bool has_strings(const Graph& graph, const Node& node) {
  const auto is_string = [&](ValueId id) {
    return graph.type(id).dtype == DType::string;
  };
  return std::any_of(node.inputs.begin(), node.inputs.end(), is_string) ||
         std::any_of(node.outputs.begin(), node.outputs.end(), is_string);
}

// A kernel's parameters take at most 4 KiB; the lowering adds a count.
constexpr std::size_t kMaxOperands = 500;

}  // namespace

std::int64_t Target::blocks(std::int64_t items, std::int64_t per_block) const {
  const std::int64_t wanted = (items + per_block - 1) / per_block;
  return std::clamp<std::int64_t>(wanted, 1, std::int64_t{processors} * 32);
}

Place ConstantPool::add(const Tensor& value) {
  std::int32_t index = 0;
  for (; index < static_cast<std::int32_t>(tensors_.size()); ++index) {
    if (tensors_[index].raw() == value.raw()) break;
  }
  if (index == static_cast<std::int32_t>(tensors_.size())) {
    tensors_.push_back(value);
  }
  return {Place::Base::constant, index, 0};
}

void Emission::launch(
    std::shared_ptr<const KernelSource> kernel,
    std::int64_t blocks,
    std::vector<Argument> arguments) {
  Launch launch{std::move(kernel), blocks, std::move(arguments)};
  steps.push_back({std::move(launch), who, node});
}

void Emission::copy(const Place& to, const Place& from, std::int64_t bytes) {
  if (bytes > 0 && !(to == from)) {
    steps.push_back({Copy{to, from, bytes}, who, node});
  }
}

void Emission::zero(const Place& at, std::int64_t bytes) {
  if (bytes > 0) steps.push_back({Zero{at, bytes}, who, node});
}

void Emission::call(
    std::shared_ptr<const LibraryCall> call, std::vector<Place> buffers) {
  steps.push_back({Call{std::move(call), std::move(buffers)}, who, node});
}

std::string name_of(const Step& step) {
  struct Namer {
    std::string operator()(const Launch& launch) const {
      const std::string& name = launch.kernel->name;
      return name.substr(0, name.rfind('_'));
    }

    std::string operator()(const Copy&) const { return "copy"; }

    std::string operator()(const Zero&) const { return "zero"; }

    std::string operator()(const Call& call) const { return call.call->name(); }

    std::string operator()(const Loop&) const { return "loop"; }
  };

  return std::visit(Namer{}, step.what);
}

Support supports(const Graph& graph, const Node& node) {
  if (is_structure(node.op)) return Support::yes();
  if (has_strings(graph, node)) return Support::no("strings stay on the host");
  if (find(node.op) == nullptr) {
    return Support::no(keratin::format("no lowering for {}", op_name(node.op)));
  }
  if (node.inputs.size() + node.outputs.size() > kMaxOperands) {
    return Support::no("more operands than a kernel takes");
  }
  return Support::yes();
}

Lowering lower(const LowerArgs& args) {
  const LowerFunction function = find(args.node.op);
  KERATIN_CHECK(
      function != nullptr, "no lowering for {}", op_name(args.node.op));
  return is_product(args.node) ? lower_product(args) : function(args);
}

GraphLowering::GraphLowering(const Target& target, const Graph& graph)
    : graph_(graph), lowerings_(graph.nodes().size()) {
  for (std::size_t id = 0; id < lowerings_.size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (is_structure(node.op)) continue;
    lowerings_[id] = std::make_unique<Lowering>(lower({target, graph, node}));
  }
  const auto lowering_of = [this](const Node& node) -> const Lowering* {
    if (node.outputs.empty()) return nullptr;
    return lowerings_[graph_.producer(node.outputs[0])].get();
  };
  PlanOptions options;
  options.alignment = 256;
  options.can_overwrite =
      [&](const Graph&, const Node& node, int operand, int result) {
        const Lowering* made = lowering_of(node);
        return made != nullptr && made->can_overwrite &&
               made->can_overwrite(operand, result);
      };
  options.is_alias = [&](const Graph&, const Node& node) {
    const Lowering* made = lowering_of(node);
    return made != nullptr && made->is_alias;
  };
  options.scratch = [&](const Graph&, const Node&, NodeId id) {
    return lowerings_[id] ? lowerings_[id]->scratch_bytes : 0;
  };
  plan_ = plan_memory(graph, options);
}

std::vector<Place> GraphLowering::places(
    const Place& arena,
    std::span<const Place> inputs,
    ConstantPool& constants) const {
  std::vector<Place> all(graph_.value_count());
  for (std::size_t id = 0; id < all.size(); ++id) {
    const Placement& placement = plan_.values[id];
    switch (placement.place) {
      case keratin::Place::arena:
        all[id] = arena.plus(placement.offset);
        break;
      case keratin::Place::input:
        all[id] = inputs[placement.index];
        break;
      case keratin::Place::variable:
        all[id] = {Place::Base::variable, placement.index, 0};
        break;
      case keratin::Place::constant:
        all[id] = constants.add(
            graph_.node(placement.index).attrs.get<Tensor>("value"));
        break;
    }
  }
  return all;
}

void GraphLowering::emit(
    const std::vector<Place>& places,
    const Place& arena,
    Steps& steps,
    ConstantPool& constants,
    NodeId outer) const {
  for (std::size_t id = 0; id < lowerings_.size(); ++id) {
    const Node& node = graph_.nodes()[id];
    const auto own = static_cast<NodeId>(id);
    Emission emission{
        .in = {},
        .out = {},
        .scratch = {},
        .steps = steps,
        .constants = constants,
        .who = graph_.who(node),
        .node = outer >= 0 ? outer : own};
    for (const ValueId in : node.inputs) emission.in.push_back(places[in]);
    for (const ValueId out : node.outputs) emission.out.push_back(places[out]);
    // What a variable held before the step, where the plan wants it saved.
    if (node.op == Op::read &&
        places[node.outputs[0]].base == Place::Base::arena) {
      const auto& variable = node.attrs.get<Variable>("variable");
      const auto found =
          std::find(plan_.variables.begin(), plan_.variables.end(), variable);
      const auto index =
          static_cast<std::int32_t>(found - plan_.variables.begin());
      emission.copy(
          emission.out[0],
          {Place::Base::variable, index, 0},
          graph_.type(node.outputs[0]).size_bytes());
    }
    if (!lowerings_[id] || lowerings_[id]->is_alias) continue;
    if (plan_.scratch[id].size_bytes > 0) {
      emission.scratch = arena.plus(plan_.scratch[id].offset);
    }
    lowerings_[id]->emit(emission);
  }
}

}  // namespace keratin::cuda
