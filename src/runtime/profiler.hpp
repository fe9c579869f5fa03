#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "src/core/plugin_export.hpp"

namespace keratin {

/// What one kernel of a program has cost so far.
struct ProfileRow {
  std::string node;        // "%7"
  std::string kernel;      // "reference.matmul"
  std::string shapes;      // "f32[32,128] f32[128,10] -> f32[32,10]"
  std::string layer;       // "dense_1"; may be empty
  std::int64_t bytes = 0;  // operands and results
  std::int64_t calls = 0;
  std::int64_t nanoseconds = 0;
};

/// Times the kernels of one program under KERATIN_PROFILE=1, and writes one CSV
/// line per kernel when the program goes away:
///
///   name,kernel,shapes,ms,bytes,layer,calls
///   train/%7,reference.reduce,"f32[32] -> f32[]",0.0123,132,dense_1,100
///
/// ms is the mean over the calls. Kernels that never ran are left out.
class KERATIN_PLUGIN_EXPORT Profiler {
 public:
  explicit Profiler(std::string program) : program_(std::move(program)) {}

  /// Writes to stderr; see write().
  ~Profiler();
  Profiler(const Profiler&) = delete;
  Profiler& operator=(const Profiler&) = delete;

  void add(ProfileRow row) { rows_.push_back(std::move(row)); }

  void count(std::size_t row, std::int64_t nanoseconds) {
    ++rows_[row].calls;
    rows_[row].nanoseconds += nanoseconds;
  }

  /// A header and one line per kernel.
  void write(std::ostream& out) const;

 private:
  std::string program_;
  std::vector<ProfileRow> rows_;
};

/// Where profiles go instead of stderr, for tests; null: back to stderr.
void set_profile_stream(std::ostream* out);

}  // namespace keratin
