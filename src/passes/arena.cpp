#include "src/passes/arena.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <utility>
#include <vector>

namespace keratin {
namespace {

constexpr std::size_t kLargestFirst = 2048;

std::int64_t align_up(std::int64_t bytes, std::int64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// Places `order` in turn, each in the tightest gap; returns the end.
std::int64_t place_largest_first(
    std::span<Block> blocks,
    std::span<const std::size_t> order,
    std::int64_t alignment) {
  std::vector<std::size_t> placed;  // by offset
  std::int64_t total = 0;
  for (const std::size_t index : order) {
    Block& block = blocks[index];
    const std::int64_t size = align_up(block.size_bytes, alignment);
    std::int64_t best_gap = std::numeric_limits<std::int64_t>::max();
    std::int64_t best = -1;
    std::int64_t end = 0;  // of what is placed lower and lives meanwhile
    for (const std::size_t other_index : placed) {
      const Block& other = blocks[other_index];
      if (other.last < block.first || other.first > block.last) continue;
      const std::int64_t gap = other.offset - end;
      if (gap >= size && gap < best_gap) {
        best_gap = gap;
        best = end;
      }
      end = std::max(end, other.offset + align_up(other.size_bytes, alignment));
    }
    block.offset = best >= 0 ? best : end;
    total = std::max(total, block.offset + size);
    const auto above = std::upper_bound(
        placed.begin(),
        placed.end(),
        block.offset,
        [&](std::int64_t offset, std::size_t other) {
          return offset < blocks[other].offset;
        });
    placed.insert(above, index);
  }
  return total;
}

/// Free pieces of a region that grows at its end.
class FreeList {
 public:
  explicit FreeList(std::int64_t base) : end_(base) {}

  std::int64_t take(std::int64_t size) {
    auto fit = by_size_.lower_bound({size, 0});
    if (fit != by_size_.end()) {
      const auto [piece, offset] = *fit;
      erase(offset, piece);
      if (piece > size) insert(offset + size, piece - size);
      return offset;
    }
    std::int64_t offset = end_;
    if (!by_offset_.empty()) {  // a free piece at the end grows to fit
      const auto last = std::prev(by_offset_.end());
      if (last->first + last->second == end_) {
        offset = last->first;
        erase(last->first, last->second);
      }
    }
    end_ = offset + size;
    return offset;
  }

  void give(std::int64_t offset, std::int64_t size) {
    auto next = by_offset_.lower_bound(offset);
    if (next != by_offset_.end() && offset + size == next->first) {
      const auto [next_offset, next_size] = *next;
      size += next_size;
      erase(next_offset, next_size);
    }
    auto previous = by_offset_.lower_bound(offset);
    if (previous != by_offset_.begin()) {
      --previous;
      if (previous->first + previous->second == offset) {
        const auto [previous_offset, previous_size] = *previous;
        erase(previous_offset, previous_size);
        offset = previous_offset;
        size += previous_size;
      }
    }
    insert(offset, size);
  }

  std::int64_t end() const { return end_; }

 private:
  void insert(std::int64_t offset, std::int64_t size) {
    by_offset_.emplace(offset, size);
    by_size_.emplace(size, offset);
  }

  void erase(std::int64_t offset, std::int64_t size) {
    by_offset_.erase(offset);
    by_size_.erase({size, offset});
  }

  std::map<std::int64_t, std::int64_t> by_offset_;  // to size
  std::set<std::pair<std::int64_t, std::int64_t>> by_size_;
  std::int64_t end_;
};

/// Places `order` (by first) from `base` on; returns the end.
std::int64_t place_by_time(
    std::span<Block> blocks,
    std::span<const std::size_t> order,
    std::int64_t base,
    std::int64_t alignment) {
  using Ending = std::pair<std::int32_t, std::size_t>;  // last, index
  std::priority_queue<Ending, std::vector<Ending>, std::greater<>> active;
  FreeList region(base);
  for (const std::size_t index : order) {
    Block& block = blocks[index];
    while (!active.empty() && active.top().first < block.first) {
      const Block& ended = blocks[active.top().second];
      region.give(ended.offset, align_up(ended.size_bytes, alignment));
      active.pop();
    }
    block.offset = region.take(align_up(block.size_bytes, alignment));
    active.emplace(block.last, index);
  }
  return region.end();
}

}  // namespace

std::int64_t place_blocks(std::span<Block> blocks, std::int64_t alignment) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].size_bytes > 0) order.push_back(i);
  }
  std::stable_sort(
      order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return blocks[a].size_bytes > blocks[b].size_bytes;
      });
  const std::size_t large = std::min(order.size(), kLargestFirst);
  const std::span<std::size_t> all(order);
  const std::int64_t base =
      place_largest_first(blocks, all.first(large), alignment);
  const auto rest = all.subspan(large);
  std::stable_sort(rest.begin(), rest.end(), [&](std::size_t a, std::size_t b) {
    return blocks[a].first < blocks[b].first;
  });
  return place_by_time(blocks, rest, base, alignment);
}

}  // namespace keratin
