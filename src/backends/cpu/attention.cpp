// Attention in tiles, float32: no score outlives its tile. After Dao et al.
// 2022, "FlashAttention", algorithms 1 and 4.

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include <keratin/threads.hpp>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/tiles.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kTile = 64;  // steps of the query and of the key

// Floats that share a cache line.
constexpr std::int64_t kLine = 16;

std::int64_t padded(std::int64_t floats) {
  return (floats + kLine - 1) / kLine * kLine;
}

/// Heads of an array [batch, steps, heads, width].
struct Heads {
  std::int64_t steps = 0;
  std::int64_t heads = 0;
  std::int64_t width = 0;

  explicit Heads(const Shape& shape)
      : steps(shape[1]), heads(shape[2]), width(shape[3]) {}

  /// From one step to the next of the same head.
  std::int64_t row() const { return heads * width; }

  /// Of a head, counted over all of the batch.
  template <class T>
  T* of(T* data, std::int64_t head) const {
    return data + (head / heads * steps * heads + head % heads) * width;
  }
};

/// A mask that broadcasts to [batch, heads, t, s].
class Mask {
 public:
  Mask() = default;

  explicit Mask(const Shape& shape) {
    const std::vector<std::int64_t> own = shape.strides();
    for (std::size_t i = 0; i < strides_.size(); ++i) {
      strides_[i] = shape[i] == 1 ? 0 : own[i];
    }
  }

  /// The part of a row of scores from `column` on. Null data: nothing.
  RowMask row(
      const bool* data,
      std::int64_t batch,
      std::int64_t head,
      std::int64_t row,
      std::int64_t column) const {
    if (data == nullptr) return {};
    return {
        data + batch * strides_[0] + head * strides_[1] + row * strides_[2] +
            column * strides_[3],
        strides_[3]};
  }

 private:
  std::array<std::int64_t, 4> strides_ = {};
};

/// What both kernels know of their node.
struct Plan {
  Heads query, key, value;
  std::int64_t count;  // heads in all of the batch
  float scale;
  Mask mask;
  std::int64_t slots;  // pieces of work, each with scratch of its own

  Plan(const Graph& graph, const Node& node, std::size_t mask_at)
      : query(graph.type(node.inputs[0]).shape),
        key(graph.type(node.inputs[1]).shape),
        value(graph.type(node.inputs[2]).shape),
        count(graph.type(node.inputs[0]).shape[0] * query.heads),
        scale(static_cast<float>(node.attrs.number("scale"))),
        slots(num_threads()) {
    if (node.inputs.size() > mask_at) {
      mask = Mask(graph.type(node.inputs[mask_at]).shape);
    }
  }

  /// Multiplications of one head, about.
  std::int64_t work() const {
    return query.steps * key.steps * (key.width + value.width);
  }

  /// Calls body(begin, end, slot) over pieces of [0, n).
  template <class Body>
  void share_out(std::int64_t n, const Body& body) const {
    constexpr std::int64_t kWorth = 1 << 16;  // a second thread
    const std::int64_t pieces = count * work() < kWorth ? 1 : slots;
    parallel_for(pieces, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t slot = first; slot < last; ++slot) {
        body(slot * n / pieces, (slot + 1) * n / pieces, slot);
      }
    });
  }
};

/// [width, steps] of a head's [steps, width].
void transpose_head(
    const Heads& heads, const float* head, float* to, std::int64_t to_row) {
  for (std::int64_t step = 0; step < heads.steps; ++step) {
    const float* from = head + step * heads.row();
    for (std::int64_t c = 0; c < heads.width; ++c) {
      to[c * to_row + step] = from[c];
    }
  }
}

std::int64_t tiles(std::int64_t steps) {
  return (steps + kTile - 1) / kTile;
}

// (query, key, value[, mask]) -> (y, largest, total)
class AttentionKernel final : public host::Kernel {
 public:
  AttentionKernel(const Graph& graph, const Node& node)
      : plan_(graph, node, kMask), key_row_(padded(plan_.key.steps)) {}

  std::int64_t scratch_bytes() const override {
    return plan_.slots * slot_floats() *
           static_cast<std::int64_t>(sizeof(float));
  }

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    const std::int64_t blocks = tiles(plan_.query.steps);
    plan_.share_out(
        plan_.count * blocks,
        [&](std::int64_t begin, std::int64_t end, std::int64_t slot) {
          float* const scratch =
              reinterpret_cast<float*>(binding_.scratch) + slot * slot_floats();
          std::int64_t packed = -1;
          for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t head = task / blocks;
            if (head != packed) {
              transpose_head(
                  plan_.key,
                  plan_.key.of(binding_.inputs[1].as<const float>(), head),
                  scratch,
                  key_row_);
              packed = head;
            }
            run_block(head, task % blocks * kTile, scratch);
          }
        });
  }

 private:
  static constexpr std::size_t kMask = 3;

  // The transposed key, a tile of scores, the sum so far.
  std::int64_t slot_floats() const {
    return plan_.key.width * key_row_ + kTile * kTile +
           kTile * padded(plan_.value.width);
  }

  void run_block(std::int64_t head, std::int64_t first, float* scratch) {
    const Heads& query = plan_.query;
    const Heads& value = plan_.value;
    const std::int64_t rows = std::min(kTile, query.steps - first);
    const std::int64_t sum_row = padded(value.width);
    const float* const keys = scratch;
    float* const scores = scratch + plan_.key.width * key_row_;
    float* const sums = scores + kTile * kTile;
    const float* q = query.of(binding_.inputs[0].as<const float>(), head) +
                     first * query.row();
    const float* v = value.of(binding_.inputs[2].as<const float>(), head);
    const bool* keep = binding_.inputs.size() > kMask
                           ? binding_.inputs[kMask].as<const bool>()
                           : nullptr;
    std::array<float, kTile> largest;
    std::array<float, kTile> total = {};
    largest.fill(-std::numeric_limits<float>::infinity());
    std::fill_n(sums, kTile * sum_row, 0.0F);
    for (std::int64_t at = 0; at < value.steps; at += kTile) {
      const std::int64_t columns = std::min(kTile, value.steps - at);
      multiply_tiles(
          {.rows = rows,
           .columns = columns,
           .depth = query.width,
           .a = q,
           .a_row = query.row(),
           .b = keys + at,
           .b_row = key_row_,
           .c = scores,
           .c_row = kTile});
      for (std::int64_t i = 0; i < rows; ++i) {
        float* const row = scores + i * kTile;
        const RowMask mask = plan_.mask.row(
            keep, head / query.heads, head % query.heads, first + i, at);
        const float here = scale_scores(row, columns, plan_.scale, mask);
        const float now = std::max(largest[i], here);
        if (now != largest[i]) {
          const float less = exp_of(largest[i] - now);
          total[i] *= less;
          scale_row(sums + i * sum_row, value.width, less);
          largest[i] = now;
        }
        total[i] += exp_scores(row, columns, now);
      }
      multiply_tiles(
          {.rows = rows,
           .columns = value.width,
           .depth = columns,
           .a = scores,
           .a_row = kTile,
           .b = v + at * value.row(),
           .b_row = value.row(),
           .c = sums,
           .c_row = sum_row,
           .accumulate = true});
    }
    float* y = value_heads_of_query().of(binding_.outputs[0].as<float>(), head);
    for (std::int64_t i = 0; i < rows; ++i) {
      float* const to = y + (first + i) * value.row();
      for (std::int64_t c = 0; c < value.width; ++c) {
        to[c] = sums[i * sum_row + c] / total[i];
      }
    }
    const std::int64_t at = head * query.steps + first;
    std::copy_n(largest.data(), rows, binding_.outputs[1].as<float>() + at);
    std::copy_n(total.data(), rows, binding_.outputs[2].as<float>() + at);
  }

  static float exp_of(float x) {
    float one = x;
    exp_scores(&one, 1, 0);
    return one;
  }

  // The result's: as many steps as the query, as wide as the value.
  Heads value_heads_of_query() const {
    Heads heads = plan_.value;
    heads.steps = plan_.query.steps;
    return heads;
  }

  Plan plan_;
  std::int64_t key_row_;
  host::Binding binding_;
};

// (query, key, value, y, largest, total, dy[, mask]) -> (dquery, dkey, dvalue)
class AttentionGradKernel final : public host::Kernel {
 public:
  AttentionGradKernel(const Graph& graph, const Node& node)
      : plan_(graph, node, kMask), key_row_(padded(plan_.key.steps)) {}

  std::int64_t scratch_bytes() const override {
    return plan_.slots * slot_floats() *
           static_cast<std::int64_t>(sizeof(float));
  }

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    plan_.share_out(
        plan_.count,
        [&](std::int64_t begin, std::int64_t end, std::int64_t slot) {
          float* const scratch =
              reinterpret_cast<float*>(binding_.scratch) + slot * slot_floats();
          for (std::int64_t head = begin; head < end; ++head) {
            run_head(head, scratch);
          }
        });
  }

 private:
  static constexpr std::size_t kMask = 7;

  // The transposed key and value, two tiles of scores, a number for each row.
  std::int64_t slot_floats() const {
    return (plan_.key.width + plan_.value.width) * key_row_ +
           2 * kTile * kTile + padded(plan_.query.steps);
  }

  template <class T>
  static void clear(const Heads& heads, T* data) {
    for (std::int64_t step = 0; step < heads.steps; ++step) {
      std::fill_n(data + step * heads.row(), heads.width, T{0});
    }
  }

  void run_head(std::int64_t head, float* scratch) {
    const Heads& query = plan_.query;
    const Heads& key = plan_.key;
    const Heads& value = plan_.value;
    Heads result = value;  // of y and dy
    result.steps = query.steps;
    const auto input = [&](std::size_t i) {
      return binding_.inputs[i].as<const float>();
    };
    float* const keys = scratch;
    float* const values = keys + key.width * key_row_;
    Tile tile;
    tile.head = head;
    tile.keys = keys;
    tile.values = values;
    tile.weights = values + value.width * key_row_;
    tile.gradients = tile.weights + kTile * kTile;
    tile.own = tile.gradients + kTile * kTile;
    transpose_head(key, key.of(input(1), head), keys, key_row_);
    transpose_head(value, value.of(input(2), head), values, key_row_);
    tile.dy = result.of(input(6), head);
    const float* y = result.of(input(3), head);
    for (std::int64_t i = 0; i < query.steps; ++i) {
      tile.own[i] = dot_row(
          tile.dy + i * result.row(), y + i * result.row(), value.width);
    }
    float* const dquery = query.of(binding_.outputs[0].as<float>(), head);
    float* const dkey = key.of(binding_.outputs[1].as<float>(), head);
    float* const dvalue = value.of(binding_.outputs[2].as<float>(), head);
    clear(query, dquery);
    clear(key, dkey);
    clear(value, dvalue);
    for (std::int64_t at = 0; at < key.steps; at += kTile) {
      for (std::int64_t first = 0; first < query.steps; first += kTile) {
        tile.rows = std::min(kTile, query.steps - first);
        tile.columns = std::min(kTile, key.steps - at);
        fill(tile, first, at);
        // dvalue += weights^T dy
        multiply_tiles(
            {.rows = tile.columns,
             .columns = value.width,
             .depth = tile.rows,
             .a = tile.weights,
             .a_row = 1,
             .a_column = kTile,
             .b = tile.dy + first * result.row(),
             .b_row = result.row(),
             .c = dvalue + at * value.row(),
             .c_row = value.row(),
             .accumulate = true});
        // dquery += dscores key
        multiply_tiles(
            {.rows = tile.rows,
             .columns = key.width,
             .depth = tile.columns,
             .a = tile.gradients,
             .a_row = kTile,
             .b = key.of(input(1), head) + at * key.row(),
             .b_row = key.row(),
             .c = dquery + first * query.row(),
             .c_row = query.row(),
             .accumulate = true});
        // dkey += dscores^T query
        multiply_tiles(
            {.rows = tile.columns,
             .columns = key.width,
             .depth = tile.rows,
             .a = tile.gradients,
             .a_row = 1,
             .a_column = kTile,
             .b = query.of(input(0), head) + first * query.row(),
             .b_row = query.row(),
             .c = dkey + at * key.row(),
             .c_row = key.row(),
             .accumulate = true});
      }
    }
  }

  struct Tile {
    std::int64_t head = 0;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
    const float* keys = nullptr;    // [width, steps]
    const float* values = nullptr;  // [width, steps]
    const float* dy = nullptr;
    float* weights = nullptr;
    float* gradients = nullptr;  // of the scores
    float* own = nullptr;        // by step of the query: sum(dy * y)
  };

  // Weights and gradients of the scores of one tile.
  void fill(const Tile& tile, std::int64_t first, std::int64_t at) const {
    const Heads& query = plan_.query;
    multiply_tiles(
        {.rows = tile.rows,
         .columns = tile.columns,
         .depth = query.width,
         .a = query.of(binding_.inputs[0].as<const float>(), tile.head) +
              first * query.row(),
         .a_row = query.row(),
         .b = tile.keys + at,
         .b_row = key_row_,
         .c = tile.weights,
         .c_row = kTile});
    multiply_tiles(
        {.rows = tile.rows,
         .columns = tile.columns,
         .depth = plan_.value.width,
         .a = tile.dy + first * plan_.value.row(),
         .a_row = plan_.value.row(),
         .b = tile.values + at,
         .b_row = key_row_,
         .c = tile.gradients,
         .c_row = kTile});
    const bool* keep = binding_.inputs.size() > kMask
                           ? binding_.inputs[kMask].as<const bool>()
                           : nullptr;
    const std::int64_t statistics = tile.head * query.steps + first;
    const auto* largest = binding_.inputs[4].as<const float>() + statistics;
    const auto* total = binding_.inputs[5].as<const float>() + statistics;
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      float* const weights = tile.weights + i * kTile;
      const RowMask mask = plan_.mask.row(
          keep,
          tile.head / query.heads,
          tile.head % query.heads,
          first + i,
          at);
      scale_scores(weights, tile.columns, plan_.scale, mask);
      exp_scores(weights, tile.columns, largest[i]);
      scale_row(weights, tile.columns, 1 / total[i]);
      score_gradients(
          weights,
          tile.gradients + i * kTile,
          tile.columns,
          tile.own[first + i],
          plan_.scale,
          mask);
    }
  }

  Plan plan_;
  std::int64_t key_row_;
  host::Binding binding_;
};

Support supports(const Graph& graph, const Node& node) {
  if (node.op != Op::attention && node.op != Op::attention_grad) {
    return Support::no("");
  }
  const ValueType& query = graph.type(node.inputs[0]);
  if (query.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", query.dtype));
  }
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  if (node.op == Op::attention) {
    return std::make_unique<AttentionKernel>(graph, node);
  }
  return std::make_unique<AttentionGradKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::attention_kernels() {
  return {{"cpu.attention", supports, make}};
}

}  // namespace keratin::cpu
