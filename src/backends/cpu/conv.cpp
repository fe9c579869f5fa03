#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/backends/cpu/compute_in_float.hpp"
#include "src/backends/cpu/conv_plan.hpp"
#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/packed_operand.hpp"
#include "src/backends/cpu/tuning.hpp"
#include "src/core/format.hpp"

namespace keratin::cpu {

namespace {

using Layouts = ConvPlan::Layouts;

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

// The weights as the primitive wants them: made again in every run, or kept.
Slot weights(
    Sequence& sequence, const ConvPlan& plan, const dnnl::memory::desc& want) {
  return plan.fixed_w ? sequence.packed(Sequence::input(1), plan.w, want)
                      : sequence.reordered(Sequence::input(1), plan.w, want);
}

// y = activation(conv(x, w) + bias + residual)
std::unique_ptr<Sequence> forward(
    const ConvPlan& plan, const Layouts& layouts, bool any_speed) {
  const auto pd = forward_desc(plan, layouts);
  if (!any_speed && is_plain_loop(pd.get())) return nullptr;
  auto sequence = std::make_unique<Sequence>();
  const Slot x = sequence->reordered(Sequence::input(0), plan.x, pd.src_desc());
  const Slot w = weights(*sequence, plan, pd.weights_desc());
  const Slot y = sequence->result(Sequence::output(0), plan.y, pd.dst_desc());
  if (plan.epilogue.residual >= 0) {
    sequence->copy(
        Sequence::input(plan.epilogue.residual), plan.y, y, pd.dst_desc());
  }
  std::vector<Argument> arguments = {
      {DNNL_ARG_SRC, pd.src_desc(), x},
      {DNNL_ARG_WEIGHTS, pd.weights_desc(), w},
      {DNNL_ARG_DST, pd.dst_desc(), y}};
  if (plan.epilogue.bias >= 0) {
    arguments.push_back(
        {DNNL_ARG_BIAS, pd.bias_desc(), Sequence::input(plan.epilogue.bias)});
  }
  sequence->add(
      dnnl::convolution_forward(pd),
      std::move(arguments),
      pd.scratchpad_desc());
  sequence->finish(y, pd.dst_desc(), Sequence::output(0), plan.y);
  return sequence;
}

// dx = conv_backward_data(dy, w)
std::unique_ptr<Sequence> backward_data(
    const ConvPlan& plan, const Layouts& layouts, bool any_speed) {
  const dnnl::convolution_backward_data::primitive_desc pd(
      dnnl::convolution_backward_data::desc(
          layouts.algorithm,
          layouts.x,
          layouts.w,
          layouts.y,
          plan.strides,
          plan.dilation,
          plan.pad_low,
          plan.pad_high),
      user_scratchpad(),
      onednn_engine(),
      forward_desc(plan, layouts));
  if (!any_speed && is_plain_loop(pd.get())) return nullptr;
  auto sequence = std::make_unique<Sequence>();
  const Slot dy =
      sequence->reordered(Sequence::input(0), plan.y, pd.diff_dst_desc());
  const Slot w = weights(*sequence, plan, pd.weights_desc());
  const Slot dx =
      sequence->result(Sequence::output(0), plan.x, pd.diff_src_desc());
  sequence->add(
      dnnl::convolution_backward_data(pd),
      {{DNNL_ARG_DIFF_DST, pd.diff_dst_desc(), dy},
       {DNNL_ARG_WEIGHTS, pd.weights_desc(), w},
       {DNNL_ARG_DIFF_SRC, pd.diff_src_desc(), dx}},
      pd.scratchpad_desc());
  sequence->finish(dx, pd.diff_src_desc(), Sequence::output(0), plan.x);
  return sequence;
}

// dw = conv_backward_weights(x, dy)
std::unique_ptr<Sequence> backward_weights(
    const ConvPlan& plan, const Layouts& layouts, bool any_speed) {
  const dnnl::convolution_backward_weights::primitive_desc pd(
      dnnl::convolution_backward_weights::desc(
          layouts.algorithm,
          layouts.x,
          layouts.w,
          layouts.y,
          plan.strides,
          plan.dilation,
          plan.pad_low,
          plan.pad_high),
      user_scratchpad(),
      onednn_engine(),
      forward_desc(plan, layouts));
  if (!any_speed && is_plain_loop(pd.get())) return nullptr;
  auto sequence = std::make_unique<Sequence>();
  const Slot x = sequence->reordered(Sequence::input(0), plan.x, pd.src_desc());
  const Slot dy =
      sequence->reordered(Sequence::input(1), plan.y, pd.diff_dst_desc());
  const Slot dw =
      sequence->result(Sequence::output(0), plan.w, pd.diff_weights_desc());
  sequence->add(
      dnnl::convolution_backward_weights(pd),
      {{DNNL_ARG_SRC, pd.src_desc(), x},
       {DNNL_ARG_DIFF_DST, pd.diff_dst_desc(), dy},
       {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc(), dw}},
      pd.scratchpad_desc());
  sequence->finish(dw, pd.diff_weights_desc(), Sequence::output(0), plan.w);
  return sequence;
}

// The pass in these layouts. Nothing where oneDNN declines them or, unless
// `any_speed`, would run its plain loops, which are hundreds of times slower.
using MakePass = std::unique_ptr<Sequence> (*)(
    const ConvPlan&, const Layouts&, bool any_speed);

Candidate candidate(
    std::string name,
    MakePass pass,
    const ConvPlan& plan,
    const Layouts& layouts,
    bool any_speed = false) {
  const bool approximate =
      layouts.algorithm == dnnl::algorithm::convolution_winograd;
  return {
      std::move(name),
      [pass, plan, layouts, any_speed]() -> std::unique_ptr<Sequence> {
        try {
          return pass(plan, layouts, any_speed);
        } catch (const dnnl::error&) {
          return nullptr;
        }
      },
      any_speed,
      approximate};
}

std::vector<Candidate> candidates_for(MakePass pass, const ConvPlan& plan) {
  constexpr std::int64_t kFew = 4;  // channels: nothing to block
  std::vector<Candidate> all = {
      candidate("channels last", pass, plan, plan.channels_last()),
      candidate("own layout", pass, plan, plan.free_choice())};
  if (plan.suits_winograd()) {
    all.push_back(candidate("winograd", pass, plan, plan.winograd()));
  }
  if (plan.x_dims[1] <= kFew) {
    all.push_back(candidate("plain x", pass, plan, plan.plain_x()));
  }
  if (plan.y_dims[1] <= kFew) {
    all.push_back(candidate("plain y", pass, plan, plan.plain_y()));
  }
  all.push_back(candidate("any speed", pass, plan, plan.channels_last(), true));
  return all;
}

class ConvKernel final : public host::Kernel {
 public:
  ConvKernel(
      const CompileOptions& options,
      MakePass pass,
      const ConvPlan& plan,
      PackedOperand weights,
      std::string_view name,
      const std::vector<std::int64_t>& input_bytes,
      std::int64_t output_bytes)
      : sequence_(fastest(
            options,
            {keratin::format(
                 "{}{} {}{}",
                 name,
                 plan.epilogue.str(),
                 plan.key,
                 plan.fixed_w ? " packed" : ""),
             plan.x_dims[0]},
            candidates_for(pass, plan),
            input_bytes,
            {output_bytes},
            plan.flops < 1e6)),
        weights_(std::move(weights)),
        residual_(plan.epilogue.residual) {}

  std::int64_t scratch_bytes() const override {
    return sequence_->scratch_bytes();
  }

  // The residual is read first, and only then its memory is written.
  bool can_overwrite(int operand, int) const override {
    return operand >= 0 && operand == residual_;
  }

  void bind(const host::Binding& binding) override {
    sequence_->bind(binding);
    weights_.bind(binding.inputs[1].data);
  }

  std::string details() const override { return sequence_->details(); }

  void renew() override { weights_.forget(); }

  void run() override {
    if (sequence_->has_packing()) {
      weights_.update([this] { sequence_->pack(); });
    }
    sequence_->run();
  }

 private:
  std::unique_ptr<Sequence> sequence_;
  PackedOperand weights_;
  int residual_;
};

struct Parts {
  MakePass pass = nullptr;
  Shape x, w, y;
};

bool is_conv(Op op) {
  return op == Op::conv || op == Op::conv_backward_data ||
         op == Op::conv_backward_weights;
}

/// The convolution that a node is, or that a fused one begins with.
Stem conv_of(const Node& node) {
  if (is_conv(node.op)) return {&node, {}};
  const Stem stem = stem_of(node);
  return stem.node != nullptr && is_conv(stem.node->op) ? stem : Stem();
}

Parts parts_of(const Graph& graph, const Node& node, Op op) {
  const Shape& first = graph.type(node.inputs[0]).shape;
  const Shape& second = graph.type(node.inputs[1]).shape;
  const Shape& result = graph.type(node.outputs[0]).shape;
  switch (op) {
    case Op::conv:
      return {forward, first, second, result};
    case Op::conv_backward_data:
      return {backward_data, result, second, first};
    default:
      return {backward_weights, first, result, second};
  }
}

Support supports(const Graph& graph, const Node& node) {
  const Stem conv = conv_of(node);
  if (conv.node == nullptr) return Support::no("");
  const Parts parts = parts_of(graph, node, conv.node->op);
  const ValueType& type = graph.type(node.inputs[0]);
  const bool bfloat16 = type.dtype == DType::bf16 && multiplies_bfloat16();
  if (type.dtype != DType::f32 && !bfloat16) {
    return Support::no(keratin::format("takes no {}", type.dtype));
  }
  if (type.shape.rank() < 3 || type.shape.rank() > 5) {
    return Support::no("takes 1 to 3 spatial axes");
  }
  if (parts.x.size() == 0 || parts.w.size() == 0 || parts.y.size() == 0) {
    return Support::no("nothing to convolve");
  }
  for (const char* name : {"pad_low", "pad_high"}) {
    for (const std::int64_t amount : conv.node->attrs.ints(name)) {
      if (amount < 0) return Support::no("takes no negative padding");
    }
  }
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory& factory, const Graph& graph, const Node& node) {
  const Stem conv = conv_of(node);
  const Parts parts = parts_of(graph, node, conv.node->op);
  ConvPlan plan = plan_conv(
      conv.node->attrs,
      graph.type(node.inputs[0]).dtype,
      parts.x,
      parts.w,
      parts.y);
  plan.epilogue = conv.epilogue;
  PackedOperand weights;
  if (conv.node->op != Op::conv_backward_weights) {
    weights = PackedOperand(factory, graph, node.inputs[1]);
  }
  plan.fixed_w = weights.fixed();
  std::vector<std::int64_t> input_bytes;
  for (const ValueId id : node.inputs) {
    input_bytes.push_back(graph.type(id).size_bytes());
  }
  return std::make_unique<ConvKernel>(
      factory.options(),
      parts.pass,
      plan,
      std::move(weights),
      op_name(conv.node->op),
      input_bytes,
      graph.type(node.outputs[0]).size_bytes());
}

}  // namespace

std::vector<host::KernelEntry> families::conv_kernels() {
  return {{"onednn.conv", supports, make}};
}

}  // namespace keratin::cpu
