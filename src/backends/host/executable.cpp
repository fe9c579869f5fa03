#include "src/backends/host/executable.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/error.hpp>

#include "src/backends/host/finite.hpp"
#include "src/backends/host/memory.hpp"
#include "src/backends/host/schedule.hpp"
#include "src/backends/host/selection.hpp"
#include "src/core/check.hpp"
#include "src/core/env.hpp"
#include "src/core/log.hpp"
#include "src/core/parallel.hpp"
#include "src/runtime/profiler.hpp"

namespace keratin::host {

namespace {

constexpr std::int64_t kAlignment = 64;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

void copy_bytes(std::byte* to, const void* from, std::int64_t bytes) {
  if (bytes > 0 && to != from) {
    std::memmove(to, from, static_cast<std::size_t>(bytes));
  }
}

// The workspace of a program:
//
//   | arena as planned | inputs |
class HostExecutable final : public Executable {
 public:
  HostExecutable(
      Graph graph,
      std::span<const KernelEntry> kernels,
      std::string_view backend,
      const CompileOptions& options);

  void run(
      std::span<const Tensor> inputs, std::vector<Tensor>& outputs) override;

  ExecutableStats stats() const override { return stats_; }

 private:
  // An assign that was not computed in place.
  struct Assignment {
    ValueId value = -1;
    std::int32_t variable = -1;
  };

  void plan_assignments();
  std::int32_t variable_index(const Variable& variable) const;
  void start_profile();
  std::byte* reserve();
  bool locate();
  void run_checked();
  void run_profiled();
  void write_outputs(std::vector<Tensor>& outputs) const;

  Graph graph_;
  TableFactory factory_;
  Schedule schedule_;
  std::string name_;
  bool check_nan_;
  std::shared_ptr<HostWorkspace> workspace_;
  std::vector<std::int64_t> input_offsets_;
  std::vector<Assignment> assignments_;
  std::int64_t workspace_bytes_ = 0;
  std::byte* base_ = nullptr;
  bool bound_ = false;
  std::vector<std::byte*> inputs_;     // where the parameters are
  std::vector<std::byte*> variables_;  // where the variables are
  std::vector<std::shared_ptr<DeviceStorage>> storages_;
  std::optional<Profiler> profiler_;
  ExecutableStats stats_;
};

HostExecutable::HostExecutable(
    Graph graph,
    std::span<const KernelEntry> kernels,
    std::string_view backend,
    const CompileOptions& options)
    : graph_(std::move(graph)),
      factory_(kernels, std::string(backend), options),
      schedule_(factory_, graph_),
      name_(options.name),
      check_nan_(options.check_nan),
      workspace_(std::dynamic_pointer_cast<HostWorkspace>(options.workspace)) {
  KERATIN_CHECK(
      !options.workspace || workspace_, "a workspace of another backend");
  if (!workspace_) workspace_ = std::make_shared<HostWorkspace>();
  workspace_bytes_ = aligned(schedule_.arena_bytes());
  for (const ValueId id : graph_.parameters()) {
    input_offsets_.push_back(workspace_bytes_);
    workspace_bytes_ += aligned(graph_.type(id).size_bytes());
  }
  plan_assignments();
  const std::size_t variables = schedule_.plan().variables.size();
  inputs_.resize(input_offsets_.size());
  variables_.resize(variables);
  storages_.resize(variables);
  for (const Node& node : graph_.nodes()) {
    if (node.op != Op::constant) continue;
    stats_.constant_bytes += graph_.type(node.outputs[0]).size_bytes();
  }
  stats_.kernels = schedule_.steps().size();
  stats_.arena_bytes = schedule_.arena_bytes();
  if (!profile_targets().empty()) profiler_.emplace(name_);
}

std::int32_t HostExecutable::variable_index(const Variable& variable) const {
  const std::vector<Variable>& all = schedule_.plan().variables;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == variable) return static_cast<std::int32_t>(i);
  }
  KERATIN_CHECK(false, "the plan lacks variable {}", variable.path());
}

void HostExecutable::plan_assignments() {
  const MemoryPlan& plan = schedule_.plan();
  for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
    const Node& node = graph_.nodes()[id];
    if (node.op != Op::assign || !plan.assign_copies[id]) continue;
    assignments_.push_back(
        {node.inputs[0], variable_index(node.attrs.get<Variable>("variable"))});
  }
}

void HostExecutable::start_profile() {
  if (!profiler_->has_rows()) {
    for (const Schedule::Step& step : schedule_.steps()) {
      ProfileRow row = profile_row(graph_, *step.node);
      row.kernel = step.node->op == Op::read
                       ? "host.read"
                       : factory_.select(graph_, *step.node).name;
      row.details = step.kernel->details();
      profiler_->add(std::move(row));
    }
  }
  profiler_->begin_run();
}

// The workspace. Throws SystemError that says what takes most of it.
std::byte* HostExecutable::reserve() {
  try {
    return workspace_->reserve(workspace_bytes_);
  } catch (const SystemError& error) {
    const Node* maker = nullptr;
    ValueId largest = -1;
    for (const Node& node : graph_.nodes()) {
      if (node.op == Op::constant || node.op == Op::read) continue;
      for (const ValueId id : node.outputs) {
        if (maker != nullptr &&
            graph_.type(id).size_bytes() <= graph_.type(largest).size_bytes()) {
          continue;
        }
        maker = &node;
        largest = id;
      }
    }
    if (maker == nullptr) throw;
    throw SystemError(keratin::format(
        "[{}] needs {} bytes for intermediate values and inputs, the largest "
        "of "
        "them {} bytes for {} of {}: {}, or keep less with "
        "keratin::set_memory_limit (KERATIN_MEMORY_LIMIT)",
        name_,
        workspace_bytes_,
        graph_.type(largest).size_bytes(),
        graph_.type(largest).str(),
        graph_.who(*maker),
        error.what()));
  }
}

// Finds workspace and variables; true when something is not where it was.
bool HostExecutable::locate() {
  std::byte* base = reserve();
  bool moved = !bound_ || base != base_;
  base_ = base;
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    const VariableState& state = schedule_.plan().variables[i].state();
    const std::lock_guard lock(state.mutex);
    if (storages_[i] == state.device && storages_[i]) continue;
    const auto* storage = dynamic_cast<HostStorage*>(state.device.get());
    KERATIN_CHECK(
        storage != nullptr,
        "variable {} is not on this device; run graphs through a Program",
        state.path);
    storages_[i] = state.device;
    variables_[i] = storage->data();
    moved = true;
  }
  return moved;
}

void HostExecutable::run(
    std::span<const Tensor> inputs, std::vector<Tensor>& outputs) {
  KERATIN_CHECK(
      inputs.size() == inputs_.size(),
      "{} takes {} inputs, got {}",
      name_,
      inputs_.size(),
      inputs.size());
  const ComputeScope compute;
  if (locate()) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      inputs_[i] = base_ + input_offsets_[i];
    }
    schedule_.bind(base_, inputs_, variables_);
    bound_ = true;
  }
  if (profiler_) start_profile();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    copy_bytes(
        inputs_[i],
        inputs[i].raw(),
        static_cast<std::int64_t>(inputs[i].size_bytes()));
  }
  if (check_nan_) {
    run_checked();
  } else if (profiler_) {
    run_profiled();
  } else {
    schedule_.run();
  }
  // Outputs first: one of them may be a variable's old value.
  write_outputs(outputs);
  for (const Assignment& a : assignments_) {
    copy_bytes(
        variables_[a.variable],
        schedule_.address(a.value),
        graph_.type(a.value).size_bytes());
  }
  if (profiler_) profiler_->end_run();
}

void HostExecutable::run_checked() {
  for (const Schedule::Step& step : schedule_.steps()) {
    step.kernel->run();
    for (const ValueId id : step.node->outputs) {
      const std::int64_t bad = first_non_finite(schedule_.view(id));
      if (bad < 0) continue;
      throw Error(keratin::format(
          "[{}] {} made the first NaN or infinity of the step: element {} of "
          "{}",
          name_,
          graph_.who(*step.node),
          bad,
          graph_.type(id).str()));
    }
  }
}

void HostExecutable::run_profiled() {
  const std::span<const Schedule::Step> steps = schedule_.steps();
  profiler_->skip();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    steps[i].kernel->run();
    profiler_->lap(i);
  }
}

void HostExecutable::write_outputs(std::vector<Tensor>& outputs) const {
  const std::vector<ValueId>& ids = graph_.outputs();
  outputs.resize(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const ValueType& type = graph_.type(ids[i]);
    Tensor& out = outputs[i];
    if (out.dtype() != type.dtype || out.shape() != type.shape) {
      out = Tensor::uninitialized(type.dtype, type.shape);
    }
    if (type.size_bytes() == 0) continue;
    copy_bytes(
        static_cast<std::byte*>(out.mutable_raw()),
        schedule_.address(ids[i]),
        type.size_bytes());
  }
}

}  // namespace

std::unique_ptr<Executable> compile(
    Graph graph,
    std::span<const KernelEntry> kernels,
    std::string_view backend,
    const CompileOptions& options) {
  return std::make_unique<HostExecutable>(
      std::move(graph), kernels, backend, options);
}

}  // namespace keratin::host
