#include "src/backends/cpu/strided_copy.hpp"

#include <algorithm>
#include <cstring>

#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kTile = 32;         // elements a side
constexpr std::int64_t kGrain = 64 << 10;  // bytes worth a second thread

}  // namespace

StridedCopy::StridedCopy(
    const std::vector<std::int64_t>& dims,
    const std::vector<std::int64_t>& from_strides,
    std::int64_t from_offset,
    const std::vector<std::int64_t>& to_strides,
    std::int64_t to_offset,
    DType dtype)
    : from_offset_(from_offset),
      to_offset_(to_offset),
      element_(size_of(dtype)) {
  std::vector<Loop> loops;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] == 0) empty_ = true;
    if (dims[i] == 1) continue;
    const Loop loop = {dims[i], from_strides[i], to_strides[i]};
    if (!loops.empty() && loops.back().from == loop.from * loop.size &&
        loops.back().to == loop.to * loop.size) {
      loops.back() = {loops.back().size * loop.size, loop.from, loop.to};
    } else {
      loops.push_back(loop);
    }
  }
  if (!loops.empty()) {
    row_ = loops.back();
    loops.pop_back();
  }
  if (row_.from != 1 && row_.from != 0) {
    const auto found =
        std::find_if(loops.begin(), loops.end(), [](const Loop& loop) {
          return loop.from == 1;
        });
    if (found != loops.end()) {
      across_ = *found;
      loops.erase(found);
    }
  }
  outer_ = std::move(loops);
  for (const Loop& loop : outer_) outer_size_ *= loop.size;
}

template <class T>
void StridedCopy::run_row(const T* from, T* to) const {
  if (row_.from == 1 && row_.to == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(row_.size) * sizeof(T));
  } else if (row_.from == 0 && row_.to == 1) {
    std::fill_n(to, row_.size, *from);
  } else {
    for (std::int64_t i = 0; i < row_.size; ++i) {
      to[i * row_.to] = from[i * row_.from];
    }
  }
}

template <class T>
void StridedCopy::run_as(const T* from, T* to) const {
  const std::int64_t bands = (across_.size + kTile - 1) / kTile;
  const std::int64_t band_bytes = std::min(across_.size, kTile) * row_.size *
                                  static_cast<std::int64_t>(sizeof(T));
  parallel_for(
      outer_size_ * bands,
      std::max<std::int64_t>(1, kGrain / band_bytes),
      [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t task = begin; task < end; ++task) {
          std::int64_t rest = task / bands;
          const T* source = from;
          T* target = to;
          for (std::size_t d = outer_.size(); d-- > 0;) {
            const std::int64_t at = rest % outer_[d].size;
            rest /= outer_[d].size;
            source += at * outer_[d].from;
            target += at * outer_[d].to;
          }
          const std::int64_t first = task % bands * kTile;
          const std::int64_t last = std::min(across_.size, first + kTile);
          if (across_.size == 1) {
            run_row(source, target);
            continue;
          }
          for (std::int64_t j = 0; j < row_.size; j += kTile) {
            const std::int64_t stop = std::min(row_.size, j + kTile);
            for (std::int64_t i = first; i < last; ++i) {
              const T* s = source + i * across_.from;
              T* t = target + i * across_.to;
              for (std::int64_t k = j; k < stop; ++k) {
                t[k * row_.to] = s[k * row_.from];
              }
            }
          }
        }
      });
}

void StridedCopy::run(const void* from, void* to) const {
  if (empty_) return;
  const auto start = [&](auto* typed) {
    using T = std::remove_pointer_t<decltype(typed)>;
    run_as<T>(
        static_cast<const T*>(from) + from_offset_,
        static_cast<T*>(to) + to_offset_);
  };
  switch (element_) {
    case 1:
      return start(static_cast<std::uint8_t*>(nullptr));
    case 2:
      return start(static_cast<std::uint16_t*>(nullptr));
    case 4:
      return start(static_cast<std::uint32_t*>(nullptr));
    default:
      return start(static_cast<std::uint64_t*>(nullptr));
  }
}

}  // namespace keratin::cpu
