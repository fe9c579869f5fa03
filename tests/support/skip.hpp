#pragma once

#include <string>

namespace keratin::testing {

/// Marks the running test case as skipped and prints "SKIPPED: reason". The
/// executable returns 77, CTest's skip code, when every case was skipped.
void note_skip(const std::string& reason);

}  // namespace keratin::testing

/// Leaves the running test case (not a function it calls) as skipped.
#define KERATIN_SKIP(reason)               \
  do {                                     \
    ::keratin::testing::note_skip(reason); \
    return;                                \
  } while (false)
