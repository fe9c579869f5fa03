// Attention by scaled products, one row of scores at a time; everything is
// computed in double. Query, key and value are [batch, steps, heads, width].

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

// As src/ir/ops/attention.cpp has it.
constexpr double kMasked = static_cast<float>(-0.7 * 3.38953e38);

using Row = std::vector<double>;

/// An array [batch, steps, heads, width] in double.
class Heads {
 public:
  explicit Heads(const View& view) : view_(&view), shape_(view.type->shape) {}

  std::int64_t steps() const { return shape_[1]; }

  std::int64_t width() const { return shape_[3]; }

  Row row(std::int64_t b, std::int64_t step, std::int64_t h) const {
    Row values(static_cast<std::size_t>(width()));
    visit_floating(view_->type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* from = view_->template as<const T>() + at(b, step, h);
      std::transform(from, from + width(), values.begin(), [](T x) {
        return convert_element<double>(x);
      });
    });
    return values;
  }

  void store(
      std::int64_t b, std::int64_t step, std::int64_t h, const Row& values) {
    visit_floating(view_->type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      std::transform(
          values.begin(),
          values.end(),
          view_->template as<T>() + at(b, step, h),
          [](double x) { return convert_element<T>(x); });
    });
  }

 private:
  std::int64_t at(std::int64_t b, std::int64_t step, std::int64_t h) const {
    return ((b * shape_[1] + step) * shape_[2] + h) * shape_[3];
  }

  const View* view_;
  const Shape& shape_;
};

double dot(const Row& a, const Row& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

void add(Row& to, const Row& x, double factor) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * x[i];
}

class AttentionBase : public BoundKernel {
 public:
  AttentionBase(const Graph& graph, const Node& node, std::size_t mask_at)
      : query_(graph.type(node.inputs[0]).shape),
        keys_(graph.type(node.inputs[1]).shape[1]),
        scale_(node.attrs.number("scale")) {
    if (node.inputs.size() == mask_at) return;
    mask_at_ = static_cast<int>(mask_at);
    mask_strides_ = broadcast_strides(
        graph.type(node.inputs[mask_at]).shape,
        {query_[0], query_[2], query_[1], keys_});
  }

 protected:
  /// Calls f(b, h, t) for every row of scores.
  template <class F>
  void for_rows(F f) const {
    for (std::int64_t b = 0; b < query_[0]; ++b) {
      for (std::int64_t h = 0; h < query_[2]; ++h) {
        for (std::int64_t t = 0; t < query_[1]; ++t) f(b, h, t);
      }
    }
  }

  bool is_kept(
      std::int64_t b, std::int64_t h, std::int64_t t, std::int64_t s) const {
    if (mask_at_ < 0) return true;
    return in(mask_at_).as<const bool>()
        [b * mask_strides_[0] + h * mask_strides_[1] + t * mask_strides_[2] +
         s * mask_strides_[3]];
  }

  /// Scores of a row of the query.
  Row scores(
      const Row& query,
      const Heads& key,
      std::int64_t b,
      std::int64_t h,
      std::int64_t t) const {
    Row row(static_cast<std::size_t>(keys_));
    for (std::int64_t s = 0; s < keys_; ++s) {
      row[s] =
          is_kept(b, h, t, s) ? dot(query, key.row(b, s, h)) * scale_ : kMasked;
    }
    return row;
  }

  /// Of [batch, heads, t].
  std::int64_t statistic(std::int64_t b, std::int64_t h, std::int64_t t) const {
    return (b * query_[2] + h) * query_[1] + t;
  }

  Shape query_;
  std::int64_t keys_;
  double scale_;

 private:
  int mask_at_ = -1;
  std::vector<std::int64_t> mask_strides_;
};

void store_double(const View& view, std::int64_t i, double value) {
  visit_floating(view.type->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    view.as<T>()[i] = convert_element<T>(value);
  });
}

// (query, key, value[, mask]) -> (y, largest, total)
class AttentionKernel final : public AttentionBase {
 public:
  AttentionKernel(const Graph& graph, const Node& node)
      : AttentionBase(graph, node, 3) {}

  void run() override {
    const Heads query(in(0));
    const Heads key(in(1));
    const Heads value(in(2));
    Heads y(out(0));
    for_rows([&](std::int64_t b, std::int64_t h, std::int64_t t) {
      Row weights = scores(query.row(b, t, h), key, b, h, t);
      double largest = -std::numeric_limits<double>::infinity();
      for (const double score : weights) largest = std::fmax(largest, score);
      double total = 0;
      for (double& weight : weights) {
        weight = std::exp(weight - largest);
        total += weight;
      }
      Row sum(static_cast<std::size_t>(value.width()));
      for (std::int64_t s = 0; s < keys_; ++s) {
        add(sum, value.row(b, s, h), weights[s] / total);
      }
      y.store(b, t, h, sum);
      store_double(out(1), statistic(b, h, t), largest);
      store_double(out(2), statistic(b, h, t), total);
    });
  }
};

// (query, key, value, y, largest, total, dy[, mask]) -> (dquery, dkey, dvalue)
class AttentionGradKernel final : public AttentionBase {
 public:
  AttentionGradKernel(const Graph& graph, const Node& node)
      : AttentionBase(graph, node, 7) {}

  void run() override {
    const Heads query(in(0));
    const Heads key(in(1));
    const Heads value(in(2));
    const Heads y(in(3));
    const Heads dy(in(6));
    Heads dquery(out(0));
    Heads dkey(out(1));
    Heads dvalue(out(2));
    // Sums over the rows of one head: by step of the key.
    std::vector<Row> key_sums;
    std::vector<Row> value_sums;
    for_rows([&](std::int64_t b, std::int64_t h, std::int64_t t) {
      if (t == 0) {
        key_sums.assign(keys_, Row(static_cast<std::size_t>(key.width())));
        value_sums.assign(keys_, Row(static_cast<std::size_t>(value.width())));
      }
      const Row q = query.row(b, t, h);
      const Row gradient = dy.row(b, t, h);
      const double own = dot(gradient, y.row(b, t, h));
      const double largest = load_double(in(4), statistic(b, h, t));
      const double total = load_double(in(5), statistic(b, h, t));
      const Row row = scores(q, key, b, h, t);
      Row sum(q.size());
      for (std::int64_t s = 0; s < keys_; ++s) {
        const double weight = std::exp(row[s] - largest) / total;
        add(value_sums[s], gradient, weight);
        if (!is_kept(b, h, t, s)) continue;
        const double inner = dot(gradient, value.row(b, s, h)) - own;
        const double score = weight * inner * scale_;
        add(sum, key.row(b, s, h), score);
        add(key_sums[s], q, score);
      }
      dquery.store(b, t, h, sum);
      if (t + 1 < query_[1]) return;
      for (std::int64_t s = 0; s < keys_; ++s) {
        dkey.store(b, s, h, key_sums[s]);
        dvalue.store(b, s, h, value_sums[s]);
      }
    });
    if (query_[1] > 0) return;
    for (std::int64_t b = 0; b < query_[0]; ++b) {
      for (std::int64_t h = 0; h < query_[2]; ++h) {
        for (std::int64_t s = 0; s < keys_; ++s) {
          dkey.store(b, s, h, Row(static_cast<std::size_t>(key.width())));
          dvalue.store(b, s, h, Row(static_cast<std::size_t>(value.width())));
        }
      }
    }
  }
};

constexpr KernelEntry kEntries[] = {
    {"reference.attention",
     supports_ops<Op::attention>,
     make_kernel<AttentionKernel>},
    {"reference.attention_grad",
     supports_ops<Op::attention_grad>,
     make_kernel<AttentionGradKernel>},
};

}  // namespace

std::span<const KernelEntry> attention_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
