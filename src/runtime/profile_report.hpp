#pragma once

#include <ostream>
#include <span>
#include <string>

#include "src/runtime/profiler.hpp"

namespace keratin {

/// The profile of a program that has ended goes to these targets: "1" prints
/// its text to stderr; a file is written anew with all programs that have ended
/// since the process began.
void report_profile(
    const ProgramProfile& profile, std::span<const std::string> targets);

/// Where texts go instead of stderr, for tests; null: stderr.
void set_profile_stream(std::ostream* out);

/// Two tables, of layers and of kernels, the dearest first: milliseconds of a
/// run, forward and backward apart, share, GFLOP/s and GB/s.
std::string profile_text(const ProgramProfile& profile);

/// A header, a line for each kernel, and one for the time in none.
std::string profile_csv(std::span<const ProgramProfile> profiles);

/// The last run of each program in the format of Chrome's tracing (also read by
/// Perfetto): a thread for each program, an event for each kernel.
std::string profile_trace(std::span<const ProgramProfile> profiles);

}  // namespace keratin
