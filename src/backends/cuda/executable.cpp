#include "src/backends/cuda/executable.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/check.hpp"
#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/core/log.hpp"
#include "src/core/visit.hpp"
#include "src/runtime/profiler.hpp"

namespace keratin::cuda {

namespace {

constexpr std::int64_t kAlignment = 256;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// A mark in a stream.
class Event {
 public:
  Event(const Device& device, unsigned flags) : device_(device) {
    KERATIN_CUDA_CHECK(device_.driver(), cuEventCreate(&event_, flags));
  }

  ~Event() {
    if (event_ != nullptr) device_.driver().cuEventDestroy(event_);
  }

  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  CUevent get() const { return event_; }

 private:
  const Device& device_;
  CUevent event_ = nullptr;
};

// Arrays side by side in one block.
struct Row {
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> sizes;
  std::int64_t total = 0;

  void add(std::int64_t bytes) {
    offsets.push_back(total);
    sizes.push_back(bytes);
    total += aligned(bytes);
  }
};

// Captured steps, and the loops between them.
struct Item {
  CUgraphExec graph = nullptr;
  const Loop* loop = nullptr;
  std::vector<Item> condition = {};
  std::vector<Item> body = {};
};

void collect_kernels(
    const Steps& steps,
    std::vector<std::shared_ptr<const KernelSource>>& kernels) {
  for (const Step& step : steps) {
    if (const auto* launch = std::get_if<Launch>(&step.what)) {
      kernels.push_back(launch->kernel);
    } else if (const auto* loop = std::get_if<Loop>(&step.what)) {
      collect_kernels(*loop->condition, kernels);
      collect_kernels(*loop->body, kernels);
    }
  }
}

std::int64_t first_non_finite(const Tensor& value) {
  return visit_dtype(value.dtype(), [&](auto tag) -> std::int64_t {
    using T = typename decltype(tag)::type;
    if constexpr (kIsFloating<T>) {
      const auto elements = value.data<T>();
      for (std::size_t i = 0; i < elements.size(); ++i) {
        if (!std::isfinite(convert_element<double>(elements[i]))) {
          return static_cast<std::int64_t>(i);
        }
      }
    }
    return -1;
  });
}

// The workspace of a program:
//
//   | arena as planned | inputs |
class CudaExecutable final : public Executable {
 public:
  CudaExecutable(Device& device, Graph graph, const CompileOptions& options);
  ~CudaExecutable() override;

  void run(
      std::span<const Tensor> inputs, std::vector<Tensor>& outputs) override;

  ExecutableStats stats() const override { return stats_; }

 private:
  // Inputs on their way: pinned memory the host writes, device memory the copy
  // stream fills, and marks for when each may be written again.
  struct Slot {
    PinnedMemory staging;
    DeviceMemory landing;
    std::unique_ptr<Event> uploaded;
    std::unique_ptr<Event> consumed;
    bool used = false;
  };

  void lower_graph();
  void upload_constants();
  void make_slots();
  bool locate();
  DevicePtr address(const Place& place) const;
  void upload(std::span<const Tensor> inputs);
  void fetch(std::vector<Tensor>& outputs);

  void issue(const Step& step);
  void issue(const Launch& launch);
  void issue(const Copy& copy);
  void issue(const Zero& zero);
  void issue(const Call& call);
  void issue(const Loop& loop);
  bool continues(const Loop& loop);

  std::vector<Item> capture(const Steps& steps);
  void replay(const std::vector<Item>& items);
  void drop(std::vector<Item>& items) noexcept;

  void run_checked();
  void run_profiled();
  void start_profile();
  void check_node(NodeId id);

  const DriverApi& driver() const { return device_.driver(); }

  Device& device_;
  Graph graph_;
  std::string name_;
  bool check_nan_;
  GraphLowering lowering_;
  std::shared_ptr<DeviceWorkspace> workspace_;
  ConstantPool constants_;
  std::vector<Place> places_;
  Steps steps_;
  Row inputs_;
  Row outputs_;
  Row constant_row_;
  DeviceMemory constant_memory_;
  PinnedMemory fetched_;
  std::array<Slot, 2> slots_;
  std::size_t turn_ = 0;
  DevicePtr base_ = 0;
  bool bound_ = false;
  int runs_ = 0;  // since the addresses last changed
  std::vector<DevicePtr> variables_;
  std::vector<std::shared_ptr<DeviceStorage>> storages_;
  std::vector<Item> captured_;
  std::vector<DevicePtr> values_;  // of one launch's arguments
  std::vector<void*> pointers_;
  std::optional<Profiler> profiler_;
  ExecutableStats stats_;
};

CudaExecutable::CudaExecutable(
    Device& device, Graph graph, const CompileOptions& options)
    : device_(device),
      graph_(std::move(graph)),
      name_(options.name),
      check_nan_(options.check_nan),
      lowering_(device.target(options.deterministic), graph_),
      workspace_(
          std::dynamic_pointer_cast<DeviceWorkspace>(options.workspace)) {
  KERATIN_CHECK(
      !options.workspace || workspace_, "a workspace of another backend");
  if (!workspace_) workspace_ = std::make_shared<DeviceWorkspace>(device);
  for (const ValueId id : graph_.parameters()) {
    inputs_.add(graph_.type(id).size_bytes());
  }
  for (const ValueId id : graph_.outputs()) {
    outputs_.add(graph_.type(id).size_bytes());
  }
  lower_graph();
  std::vector<std::shared_ptr<const KernelSource>> kernels;
  collect_kernels(steps_, kernels);
  const std::lock_guard lock(device_.mutex());
  device_.make_current();
  device_.kernels().prepare(kernels);
  upload_constants();
  make_slots();
  fetched_ = PinnedMemory(device_, outputs_.total);
  variables_.resize(lowering_.plan().variables.size());
  storages_.resize(variables_.size());
  stats_.kernels = steps_.size();
  stats_.arena_bytes = lowering_.arena_bytes();
  stats_.constant_bytes = constant_row_.total;
  if (!profile_targets().empty()) start_profile();
}

CudaExecutable::~CudaExecutable() {
  const std::lock_guard lock(device_.mutex());
  try {
    device_.synchronize();  // a replay may be under way
  } catch (const std::exception& error) {
    KERATIN_LOG(warning, "[{}] {}", name_, error.what());
  }
  drop(captured_);
}

void CudaExecutable::lower_graph() {
  const Place arena{Place::Base::arena, 0, 0};
  std::vector<Place> parameters;
  for (std::size_t i = 0; i < inputs_.offsets.size(); ++i) {
    parameters.push_back({Place::Base::input, static_cast<std::int32_t>(i), 0});
  }
  places_ = lowering_.places(arena, parameters, constants_);
  lowering_.emit(places_, arena, steps_, constants_);
  // What was not computed in its variable goes there when all is done.
  const MemoryPlan& plan = lowering_.plan();
  for (std::size_t id = 0; id < graph_.nodes().size(); ++id) {
    const Node& node = graph_.nodes()[id];
    if (node.op != Op::assign || !plan.assign_copies[id]) continue;
    const auto& variable = node.attrs.get<Variable>("variable");
    const auto found =
        std::find(plan.variables.begin(), plan.variables.end(), variable);
    const auto index =
        static_cast<std::int32_t>(found - plan.variables.begin());
    const std::int64_t bytes = graph_.type(node.inputs[0]).size_bytes();
    if (bytes == 0) continue;
    const Copy copy{
        {Place::Base::variable, index, 0}, places_[node.inputs[0]], bytes};
    steps_.push_back({copy, graph_.who(node), -1});
  }
}

void CudaExecutable::upload_constants() {
  for (const Tensor& constant : constants_.all()) {
    constant_row_.add(static_cast<std::int64_t>(constant.size_bytes()));
  }
  constant_memory_ = DeviceMemory(
      device_,
      constant_row_.total,
      keratin::format("the constants of {}", name_));
  for (std::size_t i = 0; i < constants_.all().size(); ++i) {
    if (constant_row_.sizes[i] == 0) continue;
    KERATIN_CUDA_CHECK(
        driver(),
        cuMemcpyHtoDAsync(
            constant_memory_.at() + constant_row_.offsets[i],
            constants_.all()[i].raw(),
            constant_row_.sizes[i],
            device_.stream()));
  }
  KERATIN_CUDA_CHECK(driver(), cuStreamSynchronize(device_.stream()));
}

void CudaExecutable::make_slots() {
  if (inputs_.total == 0) return;
  for (Slot& slot : slots_) {
    slot.staging = PinnedMemory(device_, inputs_.total);
    slot.landing = DeviceMemory(
        device_, inputs_.total, keratin::format("the inputs of {}", name_));
    slot.uploaded = std::make_unique<Event>(device_, CU_EVENT_DISABLE_TIMING);
    slot.consumed = std::make_unique<Event>(device_, CU_EVENT_DISABLE_TIMING);
  }
}

// Finds workspace and variables; true when something is not where it was.
bool CudaExecutable::locate() {
  const std::int64_t inputs_at = aligned(lowering_.arena_bytes());
  const DevicePtr base = workspace_->reserve(inputs_at + inputs_.total, name_);
  bool moved = !bound_ || base != base_;
  bound_ = true;
  base_ = base;
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    const VariableState& state = lowering_.plan().variables[i].state();
    const std::lock_guard lock(state.mutex);
    if (storages_[i] == state.device && storages_[i]) continue;
    const auto* storage = dynamic_cast<CudaStorage*>(state.device.get());
    KERATIN_CHECK(
        storage != nullptr,
        "variable {} is not on this device; run graphs through a Program",
        state.path);
    // Kept until the captured graph that writes to it is gone.
    storages_[i] = state.device;
    variables_[i] = storage->at();
    moved = true;
  }
  return moved;
}

DevicePtr CudaExecutable::address(const Place& place) const {
  const auto offset = static_cast<DevicePtr>(place.offset);
  switch (place.base) {
    case Place::Base::none:
      return 0;
    case Place::Base::arena:
      return base_ + offset;
    case Place::Base::input:
      return base_ +
             static_cast<DevicePtr>(
                 aligned(lowering_.arena_bytes()) +
                 inputs_.offsets[place.index]) +
             offset;
    case Place::Base::constant:
      return constant_memory_.at() +
             static_cast<DevicePtr>(constant_row_.offsets[place.index]) +
             offset;
    case Place::Base::variable:
      return variables_[place.index] + offset;
  }
  KERATIN_UNREACHABLE();
}

void CudaExecutable::run(
    std::span<const Tensor> inputs, std::vector<Tensor>& outputs) {
  KERATIN_CHECK(
      inputs.size() == inputs_.offsets.size(),
      "{} takes {} inputs, got {}",
      name_,
      inputs_.offsets.size(),
      inputs.size());
  const std::lock_guard lock(device_.mutex());
  device_.make_current();
  if (locate()) {
    if (!captured_.empty()) device_.synchronize();
    drop(captured_);
    runs_ = 0;
  }
  upload(inputs);
  if (check_nan_) {
    run_checked();
  } else if (profiler_) {
    run_profiled();
  } else if (runs_ == 0) {
    for (const Step& step : steps_) issue(step);
  } else {
    if (captured_.empty()) captured_ = capture(steps_);
    replay(captured_);
  }
  ++runs_;
  fetch(outputs);
}

void CudaExecutable::upload(std::span<const Tensor> inputs) {
  if (inputs_.total == 0) return;
  Slot& slot = slots_[turn_];
  turn_ = 1 - turn_;
  // Of two runs ago: as a rule long past.
  if (slot.used) {
    KERATIN_CUDA_CHECK(driver(), cuEventSynchronize(slot.uploaded->get()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs_.sizes[i] == 0) continue;
    std::memcpy(
        slot.staging.data() + inputs_.offsets[i],
        inputs[i].raw(),
        static_cast<std::size_t>(inputs_.sizes[i]));
  }
  if (slot.used) {
    KERATIN_CUDA_CHECK(
        driver(),
        cuStreamWaitEvent(device_.copy_stream(), slot.consumed->get(), 0));
  }
  KERATIN_CUDA_CHECK(
      driver(),
      cuMemcpyHtoDAsync(
          slot.landing.at(),
          slot.staging.data(),
          inputs_.total,
          device_.copy_stream()));
  KERATIN_CUDA_CHECK(
      driver(), cuEventRecord(slot.uploaded->get(), device_.copy_stream()));
  KERATIN_CUDA_CHECK(
      driver(), cuStreamWaitEvent(device_.stream(), slot.uploaded->get(), 0));
  KERATIN_CUDA_CHECK(
      driver(),
      cuMemcpyDtoDAsync(
          address({Place::Base::input, 0, 0}),
          slot.landing.at(),
          inputs_.total,
          device_.stream()));
  KERATIN_CUDA_CHECK(
      driver(), cuEventRecord(slot.consumed->get(), device_.stream()));
  slot.used = true;
}

void CudaExecutable::fetch(std::vector<Tensor>& outputs) {
  const std::vector<ValueId>& ids = graph_.outputs();
  outputs.resize(ids.size());
  if (outputs_.total > 0) {
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (outputs_.sizes[i] == 0) continue;
      KERATIN_CUDA_CHECK(
          driver(),
          cuMemcpyDtoHAsync(
              fetched_.data() + outputs_.offsets[i],
              address(places_[ids[i]]),
              outputs_.sizes[i],
              device_.stream()));
    }
    KERATIN_CUDA_CHECK(driver(), cuStreamSynchronize(device_.stream()));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const ValueType& type = graph_.type(ids[i]);
    Tensor& out = outputs[i];
    if (out.dtype() != type.dtype || out.shape() != type.shape) {
      out = Tensor::uninitialized(type.dtype, type.shape);
    }
    if (outputs_.sizes[i] == 0) continue;
    std::memcpy(
        out.mutable_raw(),
        fetched_.data() + outputs_.offsets[i],
        static_cast<std::size_t>(outputs_.sizes[i]));
  }
}

// -- steps
// ---------------------------------------------------------------------

void CudaExecutable::issue(const Step& step) {
  try {
    std::visit([this](const auto& what) { issue(what); }, step.what);
  } catch (const SystemError& error) {
    throw SystemError(
        keratin::format("[{}] {}: {}", name_, step.who, error.what()));
  }
}

void CudaExecutable::issue(const Launch& launch) {
  values_.clear();
  for (const Argument& argument : launch.arguments) {
    if (const auto* place = std::get_if<Place>(&argument)) {
      values_.push_back(address(*place));
    } else {
      values_.push_back(
          static_cast<DevicePtr>(std::get<std::int64_t>(argument)));
    }
  }
  pointers_.clear();
  for (DevicePtr& value : values_) pointers_.push_back(&value);
  KERATIN_CUDA_CHECK(
      driver(),
      cuLaunchKernel(
          device_.kernels().find(*launch.kernel),
          static_cast<unsigned>(launch.blocks),
          1,
          1,
          static_cast<unsigned>(launch.kernel->threads),
          1,
          1,
          0,
          device_.stream(),
          pointers_.data(),
          nullptr));
}

void CudaExecutable::issue(const Copy& copy) {
  const DevicePtr to = address(copy.to);
  const DevicePtr from = address(copy.from);
  if (to == from) return;
  KERATIN_CUDA_CHECK(
      driver(), cuMemcpyDtoDAsync(to, from, copy.bytes, device_.stream()));
}

void CudaExecutable::issue(const Zero& zero) {
  KERATIN_CUDA_CHECK(
      driver(),
      cuMemsetD8Async(address(zero.at), 0, zero.bytes, device_.stream()));
}

void CudaExecutable::issue(const Call& call) {
  std::vector<DevicePtr> buffers;
  for (const Place& place : call.buffers) buffers.push_back(address(place));
  call.call->run(buffers, device_.stream());
}

void CudaExecutable::issue(const Loop& loop) {
  for (std::int64_t i = 0; loop.limit < 0 || i < loop.limit; ++i) {
    for (const Step& step : *loop.condition) issue(step);
    if (!continues(loop)) return;
    for (const Step& step : *loop.body) issue(step);
  }
}

bool CudaExecutable::continues(const Loop& loop) {
  std::uint8_t answer = 0;
  KERATIN_CUDA_CHECK(
      driver(),
      cuMemcpyDtoHAsync(&answer, address(loop.predicate), 1, device_.stream()));
  KERATIN_CUDA_CHECK(driver(), cuStreamSynchronize(device_.stream()));
  return answer != 0;
}

// -- captured graphs
// -----------------------------------------------------------

std::vector<Item> CudaExecutable::capture(const Steps& steps) {
  std::vector<Item> items;
  std::size_t at = 0;
  while (at < steps.size()) {
    if (const auto* loop = std::get_if<Loop>(&steps[at].what)) {
      items.push_back(
          {nullptr, loop, capture(*loop->condition), capture(*loop->body)});
      ++at;
      continue;
    }
    KERATIN_CUDA_CHECK(
        driver(),
        cuStreamBeginCapture(
            device_.stream(), CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    CUgraph graph = nullptr;
    try {
      for (; at < steps.size(); ++at) {
        if (std::holds_alternative<Loop>(steps[at].what)) break;
        issue(steps[at]);
      }
    } catch (...) {
      driver().cuStreamEndCapture(device_.stream(), &graph);
      if (graph != nullptr) driver().cuGraphDestroy(graph);
      drop(items);
      throw;
    }
    KERATIN_CUDA_CHECK(driver(), cuStreamEndCapture(device_.stream(), &graph));
    CUgraphExec executable = nullptr;
    const CUresult result =
        driver().cuGraphInstantiateWithFlags(&executable, graph, 0);
    driver().cuGraphDestroy(graph);
    check(driver(), result, "cuGraphInstantiateWithFlags");
    items.push_back({executable, nullptr});
  }
  return items;
}

void CudaExecutable::replay(const std::vector<Item>& items) {
  for (const Item& item : items) {
    if (item.loop == nullptr) {
      KERATIN_CUDA_CHECK(driver(), cuGraphLaunch(item.graph, device_.stream()));
      continue;
    }
    const std::int64_t limit = item.loop->limit;
    for (std::int64_t i = 0; limit < 0 || i < limit; ++i) {
      replay(item.condition);
      if (!continues(*item.loop)) break;
      replay(item.body);
    }
  }
}

// REQUIRES: the device is done with them.
void CudaExecutable::drop(std::vector<Item>& items) noexcept {
  for (Item& item : items) {
    if (item.graph != nullptr) driver().cuGraphExecDestroy(item.graph);
    drop(item.condition);
    drop(item.body);
  }
  items.clear();
}

// -- checks and profiles
// -------------------------------------------------------

void CudaExecutable::check_node(NodeId id) {
  for (const ValueId value : graph_.node(id).outputs) {
    const ValueType& type = graph_.type(value);
    if (!is_floating(type.dtype) || type.size_bytes() == 0) continue;
    Tensor copy = Tensor::uninitialized(type.dtype, type.shape);
    KERATIN_CUDA_CHECK(
        driver(),
        cuMemcpyDtoHAsync(
            copy.mutable_raw(),
            address(places_[value]),
            copy.size_bytes(),
            device_.stream()));
    KERATIN_CUDA_CHECK(driver(), cuStreamSynchronize(device_.stream()));
    const std::int64_t bad = first_non_finite(copy);
    if (bad < 0) continue;
    throw Error(keratin::format(
        "[{}] {} made the first NaN or infinity of the step: element {} of {}",
        name_,
        graph_.who(graph_.node(id)),
        bad,
        type.str()));
  }
}

void CudaExecutable::run_checked() {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    issue(steps_[i]);
    const bool last =
        i + 1 == steps_.size() || steps_[i + 1].node != steps_[i].node;
    if (last && steps_[i].node >= 0) check_node(steps_[i].node);
  }
}

void CudaExecutable::start_profile() {
  profiler_.emplace(name_);
  for (const Step& step : steps_) {
    ProfileRow row;
    if (step.node >= 0) {
      row = profile_row(graph_, graph_.node(step.node));
    }
    row.kernel = "cuda." + name_of(step);
    profiler_->add(std::move(row));
  }
}

void CudaExecutable::run_profiled() {
  const Event before(device_, CU_EVENT_DEFAULT);
  const Event after(device_, CU_EVENT_DEFAULT);
  profiler_->begin_run();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    KERATIN_CUDA_CHECK(driver(), cuEventRecord(before.get(), device_.stream()));
    issue(steps_[i]);
    KERATIN_CUDA_CHECK(driver(), cuEventRecord(after.get(), device_.stream()));
    KERATIN_CUDA_CHECK(driver(), cuEventSynchronize(after.get()));
    float ms = 0;
    KERATIN_CUDA_CHECK(
        driver(), cuEventElapsedTime(&ms, before.get(), after.get()));
    profiler_->count(i, static_cast<std::int64_t>(double{ms} * 1e6));
  }
  profiler_->end_run();
}

}  // namespace

std::unique_ptr<Executable> compile(
    Device& device, Graph graph, const CompileOptions& options) {
  return std::make_unique<CudaExecutable>(device, std::move(graph), options);
}

}  // namespace keratin::cuda
