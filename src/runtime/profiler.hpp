#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "src/core/plugin_export.hpp"
#include "src/ir/graph.hpp"

namespace keratin {

/// What one kernel of a program is, and what it has cost so far.
struct ProfileRow {
  std::string node;     // "%7"; empty for what belongs to no node
  std::string op;       // "matmul"; of a fused node what it begins with
  std::string kernel;   // "onednn.matmul"
  std::string details;  // "own layout, jit:avx512_core"; may be empty
  std::string shapes;   // "f32[32,128] f32[128,10] -> f32[32,10]"
  Origin origin;
  std::int64_t flops = 0;  // of one call
  std::int64_t bytes = 0;  // operands and results
  std::int64_t calls = 0;
  std::int64_t nanoseconds = 0;  // of all calls
  std::int64_t last_start = 0;   // nanoseconds since the last run's beginning
  std::int64_t last_nanoseconds = 0;

  double ms() const;  // a call
};

/// The row of a node, all but kernel and details.
KERATIN_PLUGIN_EXPORT ProfileRow
profile_row(const Graph& graph, const Node& node);

/// What the runs of one program have cost.
struct ProgramProfile {
  std::string name;
  std::int64_t runs = 0;
  std::int64_t nanoseconds = 0;  // of all runs, from beginning to end
  std::vector<ProfileRow> rows;

  double ms() const;              // a run
  double unaccounted_ms() const;  // of a run: in no kernel
};

/// Where the profiles of programs compiled now go: what set_profile says, else
/// KERATIN_PROFILE. Empty: nothing is timed. Throws InvalidArgument when one is
/// neither "1" nor a file's name that ends in .csv or .json.
KERATIN_PLUGIN_EXPORT std::vector<std::string> profile_targets();

/// Times the runs of one program and its kernels, and hands the profile to its
/// reports when the program goes away. The first run,
/// in which memory is touched for the first time, does not count where there
/// are others.
class KERATIN_PLUGIN_EXPORT Profiler {
 public:
  /// Reports to what profile_targets() are now.
  explicit Profiler(std::string program);

  /// Writes the reports; see profile_report.hpp.
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  bool has_rows() const { return !profile_.rows.empty(); }

  void add(ProfileRow row) { profile_.rows.push_back(std::move(row)); }

  void begin_run();

  /// What has passed since the last lap() or skip() went into this kernel.
  void lap(std::size_t row);

  /// What has passed since went into no kernel.
  void skip() { lap_ = Clock::now(); }

  /// For kernels that a device times.
  void count(std::size_t row, std::int64_t nanoseconds);

  void end_run();

 private:
  using Clock = std::chrono::steady_clock;

  std::vector<std::string> targets_;
  ProgramProfile profile_;
  bool warm_ = false;  // the first run is forgotten
  Clock::time_point start_;
  Clock::time_point lap_;
};

}  // namespace keratin
