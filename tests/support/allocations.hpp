#pragma once

#include <cstddef>

namespace keratin::testing {

/// How much memory more than at its beginning was in use at once, during a
/// scope, by malloc and all that stands on it. One at a time.
///
/// An executable that uses it lists allocations.cpp among its sources.
class AllocationPeak {
 public:
  AllocationPeak();

  std::size_t bytes() const;

 private:
  std::size_t before_;
};

}  // namespace keratin::testing
