#pragma once

#include <cstdint>
#include <span>

namespace keratin {

/// Bytes that are needed from time `first` to time `last`, both included.
struct Block {
  std::int64_t size_bytes = 0;
  std::int32_t first = 0;
  std::int32_t last = 0;
  std::int64_t offset = 0;  // found by place_blocks
};

/// Gives each block an offset, a multiple of `alignment`, so that blocks whose
/// times overlap do not overlap in space. Returns how many bytes that takes.
/// The same blocks always get the same offsets.
///
/// The 2,048 largest blocks are placed largest first, each in the tightest gap
/// that is free for its whole time: close to the best possible, but quadratic.
/// The rest, small by then, is placed in order of time behind them.
std::int64_t place_blocks(std::span<Block> blocks, std::int64_t alignment);

}  // namespace keratin
