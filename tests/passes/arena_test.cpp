#include "src/passes/arena.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

namespace keratin {
namespace {

bool overlap(const Block& a, const Block& b) {
  return a.first <= b.last && b.first <= a.last && a.size_bytes > 0 &&
         b.size_bytes > 0 && a.offset < b.offset + b.size_bytes &&
         b.offset < a.offset + a.size_bytes;
}

/// The most bytes that live at one time: no plan takes less.
std::int64_t lower_bound(const std::vector<Block>& blocks) {
  std::int64_t most = 0;
  for (const Block& at : blocks) {
    std::int64_t live = 0;
    for (const Block& other : blocks) {
      if (other.first <= at.first && at.first <= other.last) {
        live += other.size_bytes;
      }
    }
    most = std::max(most, live);
  }
  return most;
}

TEST_CASE("place_blocks gives bytes again when their time is over") {
  std::vector<Block> blocks = {{100, 0, 1}, {100, 1, 2}, {100, 2, 3}};
  CHECK_EQ(place_blocks(blocks, 64), 256);
  CHECK_EQ(blocks[0].offset, blocks[2].offset);
  CHECK_NE(blocks[0].offset, blocks[1].offset);
}

TEST_CASE("place_blocks takes nothing for nothing") {
  std::vector<Block> none;
  CHECK_EQ(place_blocks(none, 64), 0);
  std::vector<Block> empty = {{0, 0, 5}, {0, 1, 2}};
  CHECK_EQ(place_blocks(empty, 64), 0);
}

TEST_CASE("place_blocks fills the tightest gap") {
  // At time 1 the second and the fourth have left gaps between the others.
  std::vector<Block> blocks = {
      {1024, 0, 9},
      {512, 0, 0},
      {448, 0, 9},
      {384, 0, 0},
      {384, 0, 9},
      {384, 1, 9}};
  place_blocks(blocks, 64);
  CHECK_EQ(blocks[5].offset, blocks[3].offset);
}

TEST_CASE("place_blocks never lets blocks overlap in time and space") {
  // More blocks than are placed largest first.
  for (const int count : {50, 500, 3000}) {
    std::mt19937 random(count);
    std::vector<Block> blocks;
    for (int i = 0; i < count; ++i) {
      const auto first = static_cast<std::int32_t>(random() % 400);
      const auto length = static_cast<std::int32_t>(random() % 20);
      const std::int64_t size =
          random() % 5 == 0 ? random() % 100000 : random() % 300;
      blocks.push_back({size, first, first + length});
    }
    const std::int64_t total = place_blocks(blocks, 16);
    std::int64_t sum = 0;
    bool clash = false;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      sum += (blocks[i].size_bytes + 15) / 16 * 16;
      CHECK_EQ(blocks[i].offset % 16, 0);
      CHECK_LE(blocks[i].offset + blocks[i].size_bytes, total);
      for (std::size_t j = 0; j < i; ++j) {
        clash = clash || overlap(blocks[i], blocks[j]);
      }
    }
    CHECK_FALSE(clash);
    CHECK_LE(total, sum);
    CHECK_GE(total, lower_bound(blocks));
    CHECK_LE(total, 2 * lower_bound(blocks));
  }
}

TEST_CASE("place_blocks gives the same offsets every time") {
  std::mt19937 random(7);
  std::vector<Block> blocks;
  for (int i = 0; i < 2500; ++i) {
    const auto first = static_cast<std::int32_t>(random() % 1000);
    const auto size = static_cast<std::int64_t>(64 * (1 + random() % 4));
    blocks.push_back({size, first, first + 3});
  }
  std::vector<Block> again = blocks;
  CHECK_EQ(place_blocks(blocks, 64), place_blocks(again, 64));
  bool same = true;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    same = same && blocks[i].offset == again[i].offset;
  }
  CHECK(same);
}

}  // namespace
}  // namespace keratin
