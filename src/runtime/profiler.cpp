#include "src/runtime/profiler.hpp"

#include <exception>
#include <mutex>
#include <string_view>
#include <utility>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/core/format.hpp"
#include "src/ir/cost.hpp"
#include "src/runtime/profile_report.hpp"

namespace keratin {

namespace {

/// What set_profile said.
struct Override {
  std::mutex mutex;
  std::vector<std::string> targets;
};

Override& override_of_profile() {
  static Override value;
  return value;
}

void check_targets(
    std::string_view who, const std::vector<std::string>& targets) {
  for (const std::string& target : targets) {
    if (target == "1" || target.ends_with(".csv") ||
        target.ends_with(".json")) {
      continue;
    }
    throw InvalidArgument(keratin::format(
        "[{}] expected 1, a FILE.csv or a FILE.json, got \"{}\"", who, target));
  }
}

double per_call_ms(std::int64_t nanoseconds, std::int64_t calls) {
  if (calls == 0) return 0;
  return static_cast<double>(nanoseconds) / 1e6 / static_cast<double>(calls);
}

std::int64_t between(
    std::chrono::steady_clock::time_point from,
    std::chrono::steady_clock::time_point to) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(to - from)
      .count();
}

/// What a sweep is known by: its first op that is more than arithmetic, else
/// its first.
std::string name_of(const Node& node) {
  if (node.op != Op::fused) return std::string(op_name(node.op));
  for (const Node& inner : node.attrs.graph("body").nodes()) {
    if (inner.op == Op::parameter || inner.op == Op::constant) continue;
    return "fused " + std::string(op_name(inner.op));
  }
  return "fused";
}

}  // namespace

void set_profile(std::vector<std::string> targets) {
  check_targets("set_profile", targets);
  const std::lock_guard lock(override_of_profile().mutex);
  override_of_profile().targets = std::move(targets);
}

std::vector<std::string> profile_targets() {
  {
    const std::lock_guard lock(override_of_profile().mutex);
    const std::vector<std::string>& targets = override_of_profile().targets;
    if (!targets.empty()) return targets;
  }
  std::vector<std::string> targets = env::profile();
  check_targets("KERATIN_PROFILE", targets);
  return targets;
}

double ProfileRow::ms() const {
  return per_call_ms(nanoseconds, calls);
}

double ProgramProfile::ms() const {
  return per_call_ms(nanoseconds, runs);
}

double ProgramProfile::unaccounted_ms() const {
  std::int64_t kernels = 0;
  for (const ProfileRow& row : rows) kernels += row.nanoseconds;
  return per_call_ms(nanoseconds - kernels, runs);
}

ProfileRow profile_row(const Graph& graph, const Node& node) {
  ProfileRow row;
  if (!node.outputs.empty()) {
    row.node = keratin::format("%{}", node.outputs[0]);
  }
  row.op = name_of(node);
  row.origin = node.origin;
  for (const ValueId id : node.inputs) {
    row.shapes += graph.type(id).str() + " ";
  }
  row.shapes += "->";
  for (const ValueId id : node.outputs) {
    row.shapes += " " + graph.type(id).str();
  }
  const Cost cost = cost_of(graph, node);
  row.flops = cost.flops;
  row.bytes = cost.bytes;
  return row;
}

Profiler::Profiler(std::string program) : targets_(profile_targets()) {
  profile_.name = std::move(program);
}

Profiler::~Profiler() {
  try {
    if (profile_.runs > 0) report_profile(profile_, targets_);
  } catch (const std::exception&) {
    // A destructor must not throw, and a lost profile harms nobody.
  }
}

void Profiler::begin_run() {
  if (profile_.runs == 1 && !warm_) {
    warm_ = true;
    profile_.runs = profile_.nanoseconds = 0;
    for (ProfileRow& row : profile_.rows) row.calls = row.nanoseconds = 0;
  }
  start_ = lap_ = Clock::now();
}

void Profiler::lap(std::size_t row) {
  const Clock::time_point now = Clock::now();
  count(row, between(lap_, now));
  lap_ = now;
}

void Profiler::count(std::size_t row, std::int64_t nanoseconds) {
  ProfileRow& to = profile_.rows[row];
  ++to.calls;
  to.nanoseconds += nanoseconds;
  to.last_nanoseconds = nanoseconds;
  to.last_start = between(start_, Clock::now()) - nanoseconds;
}

void Profiler::end_run() {
  profile_.nanoseconds += between(start_, Clock::now());
  ++profile_.runs;
}

}  // namespace keratin
