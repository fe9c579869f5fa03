#include "src/backends/cpu/onednn.hpp"

#include <omp.h>

#include <string_view>
#include <utility>

#include <keratin/threads.hpp>

#include "src/core/check.hpp"
#include "src/core/cpu_features.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kAlignment = 64;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

dnnl::engine make_engine() {
  if (const auto cap = isa_cap(cpu_features())) {
    if (dnnl::set_max_cpu_isa(*cap) == dnnl::status::success) {
      KERATIN_LOG(
          info,
          "[cpu] this machine announces AMX without a palette; oneDNN is "
          "capped at avx512_core_bf16");
    } else {
      log_message(
          LogChannel::warning,
          "[cpu] this machine announces AMX without a palette and oneDNN was "
          "used before; set ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16 if it crashes");
    }
  }
  return {dnnl::engine::kind::cpu, 0};
}

// The team of the calling thread has this size for the time of a scope: it
// may have been changed since the primitives were made.
class TeamScope {
 public:
  explicit TeamScope(int threads)
      : before_(omp_get_max_threads()), changed_(before_ != threads) {
    if (changed_) omp_set_num_threads(threads);
  }

  ~TeamScope() {
    if (changed_) omp_set_num_threads(before_);
  }

  TeamScope(const TeamScope&) = delete;
  TeamScope& operator=(const TeamScope&) = delete;

 private:
  int before_;
  bool changed_;
};

const dnnl::stream& process_stream() {
  static const dnnl::stream stream(onednn_engine());
  return stream;
}

}  // namespace

std::optional<dnnl::cpu_isa> isa_cap(const CpuFeatures& features) {
  // oneDNN believes CPUID's leaf 7 and dies of SIGILL in AMX kernels.
  if (features.amx_palette_missing) return dnnl::cpu_isa::avx512_core_bf16;
  return {};
}

const dnnl::engine& onednn_engine() {
  static const dnnl::engine engine = make_engine();
  return engine;
}

dnnl::memory::data_type data_type(DType dtype) {
  KERATIN_CHECK(
      dtype == DType::f32 || dtype == DType::bf16, "no kernels for {}", dtype);
  return dtype == DType::f32 ? dnnl::memory::data_type::f32
                             : dnnl::memory::data_type::bf16;
}

dnnl::memory::desc strided_desc(
    const dnnl::memory::dims& dims,
    const dnnl::memory::dims& strides,
    DType dtype) {
  return {dims, data_type(dtype), strides};
}

dnnl::memory::desc any_desc(const dnnl::memory::dims& dims, DType dtype) {
  return {dims, data_type(dtype), dnnl::memory::format_tag::any};
}

Sequence::Sequence() : threads_(num_threads()) {}

Slot Sequence::scratch(const dnnl::memory::desc& desc) {
  const Slot slot{Slot::Kind::scratch, scratch_bytes_};
  scratch_bytes_ += aligned(static_cast<std::int64_t>(desc.get_size()));
  return slot;
}

Sequence::Step Sequence::make_step(
    const dnnl::primitive& primitive, const std::vector<Argument>& arguments) {
  Step step;
  step.primitive = primitive;
  for (const Argument& argument : arguments) {
    step.slots.push_back(argument.slot);
    step.memories.push_back(
        dnnl::memory(argument.desc, onednn_engine(), DNNL_MEMORY_NONE));
    step.arguments.push_back({argument.name, step.memories.back().get()});
  }
  return step;
}

void Sequence::add(
    const dnnl::primitive& primitive,
    std::vector<Argument> arguments,
    const dnnl::memory::desc& scratchpad) {
  if (scratchpad.get_size() > 0) {
    arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, scratch(scratchpad)});
  }
  steps_.push_back(make_step(primitive, arguments));
}

namespace {

dnnl::reorder::primitive_desc reorder_desc(
    const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return {onednn_engine(), from, onednn_engine(), to, attr};
}

}  // namespace

Slot Sequence::reordered(
    Slot from, const dnnl::memory::desc& have, const dnnl::memory::desc& want) {
  if (have == want) return from;
  const Slot to = scratch(want);
  finish(from, have, to, want);
  return to;
}

Slot Sequence::packed(
    Slot from, const dnnl::memory::desc& have, const dnnl::memory::desc& want) {
  if (have == want) return from;
  const Slot to{Slot::Kind::packed, packed_bytes_};
  packed_bytes_ += aligned(static_cast<std::int64_t>(want.get_size()));
  const auto descriptor = reorder_desc(have, want);
  std::vector<Argument> arguments = {
      {DNNL_ARG_FROM, have, from}, {DNNL_ARG_TO, want, to}};
  const auto scratchpad = descriptor.scratchpad_desc();
  if (scratchpad.get_size() > 0) {
    arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, scratch(scratchpad)});
  }
  packing_.push_back(make_step(dnnl::reorder(descriptor), arguments));
  return to;
}

Slot Sequence::result(
    Slot to, const dnnl::memory::desc& want, const dnnl::memory::desc& made) {
  return made == want ? to : scratch(made);
}

void Sequence::copy(
    Slot from,
    const dnnl::memory::desc& have,
    Slot to,
    const dnnl::memory::desc& want) {
  const auto descriptor = reorder_desc(have, want);
  add(dnnl::reorder(descriptor),
      {{DNNL_ARG_FROM, have, from}, {DNNL_ARG_TO, want, to}},
      descriptor.scratchpad_desc());
  steps_.back().is_copy = have == want;
}

void Sequence::finish(
    Slot made_in,
    const dnnl::memory::desc& made,
    Slot to,
    const dnnl::memory::desc& want) {
  if (made != want) copy(made_in, made, to, want);
}

void Sequence::bind_step(Step& step, const host::Binding& binding) {
  for (std::size_t i = 0; i < step.slots.size(); ++i) {
    const Slot& slot = step.slots[i];
    void* data = nullptr;
    switch (slot.kind) {
      case Slot::Kind::input:
        data = binding.inputs[slot.at].data;
        break;
      case Slot::Kind::output:
        data = binding.outputs[slot.at].data;
        break;
      case Slot::Kind::scratch:
        data = binding.scratch + slot.at;
        break;
      case Slot::Kind::packed:
        data = packed_memory_.data() + slot.at;
        break;
    }
    step.memories[i].set_data_handle(data);
  }
  step.idle = step.is_copy && step.memories[0].get_data_handle() ==
                                  step.memories[1].get_data_handle();
}

void Sequence::bind(const host::Binding& binding) {
  if (packed_bytes_ > packed_memory_.size()) {
    packed_memory_ = host::AlignedBuffer(packed_bytes_);
  }
  for (Step& step : steps_) bind_step(step, binding);
  for (Step& step : packing_) bind_step(step, binding);
}

void Sequence::run_steps(const std::vector<Step>& steps) const {
  const TeamScope team(threads_);
  for (const Step& step : steps) {
    if (step.idle) continue;
    const dnnl_status_t status = dnnl_primitive_execute(
        step.primitive.get(),
        process_stream().get(),
        static_cast<int>(step.arguments.size()),
        step.arguments.data());
    KERATIN_CHECK(
        status == dnnl_success,
        "dnnl_primitive_execute failed with status {}",
        static_cast<int>(status));
  }
}

void Sequence::pack() {
  run_steps(packing_);
}

void Sequence::run() {
  run_steps(steps_);
}

namespace {

std::string_view implementation(const_dnnl_primitive_desc_t descriptor) {
  const char* name = "";
  dnnl_primitive_desc_query(
      descriptor, dnnl_query_impl_info_str, 0, static_cast<void*>(&name));
  return name;
}

}  // namespace

std::string Sequence::details() const {
  std::string text = name_;
  int reorders = 0;
  for (const Step& step : steps_) {
    if (step.idle) continue;
    if (step.primitive.get_kind() == dnnl::primitive::kind::reorder) {
      ++reorders;
      continue;
    }
    if (!text.empty()) text += ", ";
    text += implementation(step.primitive.get_primitive_desc());
  }
  if (reorders > 0) {
    text += keratin::format(
        ", {} {}", reorders, reorders == 1 ? "reorder" : "reorders");
  }
  return text;
}

bool is_plain_loop(const_dnnl_primitive_desc_t descriptor) {
  return implementation(descriptor).starts_with("ref");
}

}  // namespace keratin::cpu
