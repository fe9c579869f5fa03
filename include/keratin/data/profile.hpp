#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <keratin/data/dataset.hpp>
#include <keratin/export.hpp>

namespace keratin::data {

/// Where one stage of a pipeline spent its time.
struct StageProfile {
  std::string stage;  // "shuffle(1000, true)", "decode", "batch(32, false)"
  std::int64_t elements = 0;
  double work_seconds = 0;  // its own, of all threads, without its inputs'
  double wait_seconds = 0;  // for elements that other threads make ahead
};

struct DatasetProfile {
  std::vector<StageProfile> stages;  // from the sources to the end
  std::int64_t elements = 0;
  double seconds = 0;  // as a clock on the wall shows
};

/// Runs a pass of epoch 0 (its first `max_elements` elements; -1: all) and
/// tells where its time went. `see` gets each element; its time is not counted.
/// Stages of datasets that `interleave` makes on the way count for the
/// interleave. Throws what the pass throws.
KERATIN_API DatasetProfile profile(
    const Dataset& dataset,
    std::int64_t max_elements = -1,
    const std::function<void(const Element&)>& see = {});

}  // namespace keratin::data
