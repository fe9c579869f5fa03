#include "src/runtime/program.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/passes/hoist_fixed.hpp"
#include "src/runtime/variable_sync.hpp"

namespace keratin {

namespace {

std::atomic<bool>& deterministic_flag() {
  static std::atomic<bool> flag = false;
  return flag;
}

std::atomic<std::int64_t>& memory_limit_setting() {
  static std::atomic<std::int64_t> bytes = 0;
  return bytes;
}

PipelineOptions pipeline_for(Backend& backend, bool verify) {
  PipelineOptions options;
  options.memory_limit = memory_limit();
  options.verify = options.verify || verify;
  options.supports = [&backend](const Graph& g, const Node& node) {
    return backend.supports(g, node);
  };
  options.backend_passes = backend.passes();
  return options;
}

void add_once(std::vector<Variable>& list, const Variable& variable) {
  if (std::find(list.begin(), list.end(), variable) == list.end()) {
    list.push_back(variable);
  }
}

}  // namespace

void set_deterministic(bool deterministic) {
  deterministic_flag() = deterministic;
}

bool deterministic() {
  return deterministic_flag();
}

void set_memory_limit(std::int64_t bytes) {
  if (bytes < 0) {
    throw InvalidArgument(keratin::format(
        "[set_memory_limit] expected bytes >= 0, got {}", bytes));
  }
  memory_limit_setting() = bytes;
}

std::int64_t memory_limit() {
  const std::int64_t bytes = memory_limit_setting();
  return bytes > 0 ? bytes : env::memory_limit();
}

Program::Program(
    const Graph& graph,
    Backend& backend,
    std::shared_ptr<ProgramGroup> group,
    CompileOptions options)
    : name_(options.name),
      backend_(backend),
      group_(group ? std::move(group) : std::make_shared<ProgramGroup>()) {
  for (const ValueId id : graph.parameters()) {
    const Node& node = graph.node(graph.producer(id));
    inputs_.push_back({node.attrs.get<std::string>("name"), graph.type(id)});
  }
  options.check_nan = options.check_nan || env::check_nan();
  check_nan_ = options.check_nan;
  // Who looks for a fault gets the verifier, too, and as many values to look at
  // as there are: a backend's own passes are left out.
  PipelineOptions pipeline = pipeline_for(backend, check_nan_);
  Graph prologue;
  if (check_nan_) {
    pipeline.backend_passes.clear();
  } else {
    pipeline.hoist = [&](const Graph& whole) {
      return hoist_fixed(
          whole,
          [&backend](const ValueType& type) {
            return make_device_variable(backend, type.dtype, type.shape);
          },
          prologue);
    };
  }
  Graph optimized = optimize(graph, pipeline);
  for (const Node& node : optimized.nodes()) {
    if (node.op != Op::read && node.op != Op::assign) continue;
    const auto& variable = node.attrs.get<Variable>("variable");
    add_once(variables_, variable);
    if (node.op == Op::assign) add_once(assigned_, variable);
  }
  options.deterministic = options.deterministic || deterministic();
  const std::lock_guard lock(group_->mutex);
  if (!options.workspace) {
    if (!group_->workspace) group_->workspace = backend.make_workspace();
    options.workspace = group_->workspace;
  }
  if (!prologue.nodes().empty()) compile_prologue(prologue, options);
  executable_ = backend.compile(std::move(optimized), options);
  stats_ = executable_->stats();
  KERATIN_LOG(
      train,
      "compiled {} for {}: {} kernels, {} bytes of arena",
      name_,
      backend.name(),
      stats_.kernels,
      stats_.arena_bytes);
}

void Program::compile_prologue(
    const Graph& graph, const CompileOptions& options) {
  Graph optimized = optimize(graph, pipeline_for(backend_, false));
  for (const Node& node : optimized.nodes()) {
    if (node.op == Op::read) {
      prologue_.sources.push_back(node.attrs.get<Variable>("variable"));
    } else if (node.op == Op::assign) {
      prologue_.results.push_back(node.attrs.get<Variable>("variable"));
    }
  }
  CompileOptions own = options;
  own.name += "/fixed";
  prologue_.executable = backend_.compile(std::move(optimized), own);
}

void Program::run_prologue() {
  std::vector<std::uint64_t>& seen = prologue_.versions;
  seen.resize(prologue_.sources.size());
  for (std::size_t i = 0; i < seen.size(); ++i) {
    VariableState& state = prologue_.sources[i].state();
    const std::uint64_t version = move_to_device(state, backend_);
    if (version != std::exchange(seen[i], version)) prologue_.current = false;
  }
  if (prologue_.current) return;
  std::vector<Tensor> none;
  prologue_.executable->run({}, none);
  prologue_.current = true;
  for (const Variable& variable : prologue_.results) {
    note_assigned(variable.state());
  }
}

void Program::check_inputs(std::span<const Tensor> inputs) const {
  if (inputs.size() != inputs_.size()) {
    throw InvalidArgument(keratin::format(
        "[{}] expected {} inputs, got {}",
        name_,
        inputs_.size(),
        inputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& want = inputs_[i];
    const Tensor& got = inputs[i];
    if (got.dtype() == want.type.dtype && got.shape() == want.type.shape) {
      continue;
    }
    throw InvalidArgument(keratin::format(
        "[{}] input \"{}\": expected {}, got {}{}",
        name_,
        want.name,
        want.type.str(),
        got.dtype(),
        got.shape()));
  }
}

void Program::run(
    std::span<const Tensor> inputs, std::vector<Tensor>& outputs) {
  check_inputs(inputs);
  const std::lock_guard lock(group_->mutex);
  if (prologue_.executable) run_prologue();
  for (const Variable& variable : variables_) {
    move_to_device(variable.state(), backend_);
  }
  if (!check_nan_) {
    executable_->run(inputs, outputs);
  } else {
    run_checked(inputs, outputs);
  }
  for (const Variable& variable : assigned_) note_assigned(variable.state());
}

// A step that stops at a bad value leaves every variable as it was before.
void Program::run_checked(
    std::span<const Tensor> inputs, std::vector<Tensor>& outputs) {
  for (const Variable& variable : assigned_) fetch_to_host(variable.state());
  try {
    executable_->run(inputs, outputs);
  } catch (...) {
    for (const Variable& variable : assigned_) {
      restore_from_host(variable.state());
    }
    throw;
  }
}

std::vector<Tensor> Program::run(std::span<const Tensor> inputs) {
  std::vector<Tensor> outputs;
  run(inputs, outputs);
  return outputs;
}

}  // namespace keratin
