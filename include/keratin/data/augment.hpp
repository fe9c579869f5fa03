#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <keratin/data/dataset.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>

namespace keratin::data {

struct AugmentOptions {
  /// As MapOptions: each thread works with a copy of the layers of its own.
  std::optional<std::int64_t> num_parallel_calls = kAutotune;
  bool deterministic = true;
  std::optional<std::uint64_t> seed = {};
};

/// Batches (x: images [batch, height, width, channels]) that go through layers
/// one after the other, as in training: MixUp, CutMix, RandAugment, RandomFlip,
/// Rescaling, ... Targets of floats [batch, classes] are labels that layers may
/// mix; others are left alone.
///
/// What is drawn depends on `seed`, the element's number and the epoch, not on
/// the layers' own seeds nor on the number of threads. The layers must have no
/// weights. Throws InvalidArgument without layers; for images that a
/// layer does not take, with their elements.
KERATIN_API Dataset augment(
    const Dataset& batches,
    const std::vector<Layer>& layers,
    const AugmentOptions& options = {});

}  // namespace keratin::data
