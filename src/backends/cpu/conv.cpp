#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/backends/cpu/conv_plan.hpp"
#include "src/backends/cpu/families.hpp"
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

// y = conv(x, w)
std::unique_ptr<Sequence> forward(
    const ConvPlan& plan, const Layouts& layouts, bool any_speed) {
  const auto pd = forward_desc(plan, layouts);
  if (!any_speed && is_plain_loop(pd.get())) return nullptr;
  auto sequence = std::make_unique<Sequence>();
  const Slot x = sequence->reordered(Sequence::input(0), plan.x, pd.src_desc());
  const Slot w =
      sequence->reordered(Sequence::input(1), plan.w, pd.weights_desc());
  const Slot y = sequence->result(Sequence::output(0), plan.y, pd.dst_desc());
  sequence->add(
      dnnl::convolution_forward(pd),
      {{DNNL_ARG_SRC, pd.src_desc(), x},
       {DNNL_ARG_WEIGHTS, pd.weights_desc(), w},
       {DNNL_ARG_DST, pd.dst_desc(), y}},
      pd.scratchpad_desc());
  sequence->finish(y, pd.dst_desc(), Sequence::output(0), plan.y);
  return sequence;
}

// dx = conv_backward_data(dy, w)
std::unique_ptr<Sequence> backward_data(
    const ConvPlan& plan, const Layouts& layouts, bool any_speed) {
  const dnnl::convolution_backward_data::primitive_desc pd(
      dnnl::convolution_backward_data::desc(
          dnnl::algorithm::convolution_direct,
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
  const Slot w =
      sequence->reordered(Sequence::input(1), plan.w, pd.weights_desc());
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
          dnnl::algorithm::convolution_direct,
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
  return {
      std::move(name),
      [pass, plan, layouts, any_speed]() -> std::unique_ptr<Sequence> {
        try {
          return pass(plan, layouts, any_speed);
        } catch (const dnnl::error&) {
          return nullptr;
        }
      },
      any_speed};
}

std::vector<Candidate> candidates_for(MakePass pass, const ConvPlan& plan) {
  constexpr std::int64_t kFew = 4;  // channels: nothing to block
  std::vector<Candidate> all = {
      candidate("channels last", pass, plan, plan.channels_last()),
      candidate("own layout", pass, plan, plan.free_choice())};
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
      std::string_view name,
      const std::vector<std::int64_t>& input_bytes,
      std::int64_t output_bytes)
      : sequence_(fastest(
            options,
            {keratin::format("{} {}", name, plan.key), plan.x_dims[0]},
            candidates_for(pass, plan),
            input_bytes,
            {output_bytes},
            plan.flops < 1e6)) {}

  std::int64_t scratch_bytes() const override {
    return sequence_->scratch_bytes();
  }

  void bind(const host::Binding& binding) override { sequence_->bind(binding); }

  void run() override { sequence_->run(); }

 private:
  std::unique_ptr<Sequence> sequence_;
};

struct Parts {
  MakePass pass = nullptr;
  Shape x, w, y;
};

bool is_conv(Op op) {
  return op == Op::conv || op == Op::conv_backward_data ||
         op == Op::conv_backward_weights;
}

Parts parts_of(const Graph& graph, const Node& node) {
  const Shape& first = graph.type(node.inputs[0]).shape;
  const Shape& second = graph.type(node.inputs[1]).shape;
  const Shape& result = graph.type(node.outputs[0]).shape;
  switch (node.op) {
    case Op::conv:
      return {forward, first, second, result};
    case Op::conv_backward_data:
      return {backward_data, result, second, first};
    default:
      return {backward_weights, first, result, second};
  }
}

Support supports(const Graph& graph, const Node& node) {
  if (!is_conv(node.op)) return Support::no("");
  const Parts parts = parts_of(graph, node);
  const ValueType& type = graph.type(node.inputs[0]);
  if (type.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", type.dtype));
  }
  if (type.shape.rank() < 3 || type.shape.rank() > 5) {
    return Support::no("takes 1 to 3 spatial axes");
  }
  if (parts.x.size() == 0 || parts.w.size() == 0 || parts.y.size() == 0) {
    return Support::no("nothing to convolve");
  }
  for (const char* name : {"pad_low", "pad_high"}) {
    for (const std::int64_t amount : node.attrs.ints(name)) {
      if (amount < 0) return Support::no("takes no negative padding");
    }
  }
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory& factory, const Graph& graph, const Node& node) {
  const Parts parts = parts_of(graph, node);
  return std::make_unique<ConvKernel>(
      factory.options(),
      parts.pass,
      plan_conv(node.attrs, parts.x, parts.w, parts.y),
      op_name(node.op),
      std::vector<std::int64_t>{
          graph.type(node.inputs[0]).size_bytes(),
          graph.type(node.inputs[1]).size_bytes()},
      graph.type(node.outputs[0]).size_bytes());
}

}  // namespace

std::vector<host::KernelEntry> families::conv_kernels() {
  return {{"onednn.conv", supports, make}};
}

}  // namespace keratin::cpu
