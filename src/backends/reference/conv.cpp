// Convolutions with one to three spatial axes and their gradients.
//
//   x: [n, spatial..., c]   w: [kernel..., c / groups, f]   y: [n, out..., f]

#include "src/backends/reference/common.hpp"
#include "src/backends/reference/window.hpp"
#include "src/core/parallel.hpp"

namespace keratin::reference {

namespace {

// Neighbouring results that are summed side by side.
constexpr std::int64_t kTile = 64;

Ints kernel_of(const Shape& w) {
  return Ints(w.begin(), w.end() - 2);
}

std::int64_t grain_for(std::int64_t work) {
  return std::max<std::int64_t>(1, 100000 / std::max<std::int64_t>(1, work));
}

// sums[j] += factor * row[j]
template <class T>
void add_row(Sum<T>* sums, Sum<T> factor, const T* row, std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) {
    sums[j] += factor * widen(row[j]);
  }
}

template <class T>
void store_row(const Sum<T>* sums, T* row, std::int64_t n) {
  for (std::int64_t j = 0; j < n; ++j) row[j] = convert_element<T>(sums[j]);
}

class ConvBase : public BoundKernel {
 public:
  ConvBase(const Node& node, const Shape& x, const Shape& w, const Shape& y)
      : window_(node.attrs, x, kernel_of(w), y),
        groups_(node.attrs.integer("groups")),
        depth_(window_.channels / groups_),
        width_(window_.filters / groups_) {}

 protected:
  Window3 window_;
  std::int64_t groups_;
  std::int64_t depth_;  // channels in a group
  std::int64_t width_;  // filters in a group
};

class ConvKernel final : public ConvBase {
 public:
  ConvKernel(const Graph& graph, const Node& node)
      : ConvBase(
            node,
            graph.type(node.inputs[0]).shape,
            graph.type(node.inputs[1]).shape,
            graph.type(node.outputs[0]).shape) {}

  void run() override {
    visit_numeric(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const std::int64_t points = window_.y_points();
      parallel_for(
          window_.batch * points,
          grain_for(window_.taps() * depth_ * window_.filters),
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
              one_point<T>(i / points, i % points);
            }
          });
    });
  }

 private:
  template <class T>
  void one_point(std::int64_t image, std::int64_t flat) const {
    const T* w = in(1).as<const T>();
    T* y =
        out().as<T>() + (image * window_.y_points() + flat) * window_.filters;
    const auto point = Window3::split(flat, window_.y);
    for (std::int64_t f0 = 0; f0 < window_.filters;) {
      const std::int64_t group = f0 / width_;
      const std::int64_t n = std::min(kTile, (group + 1) * width_ - f0);
      Sum<T> sums[kTile] = {};
      for (std::int64_t k = 0; k < window_.taps(); ++k) {
        const std::int64_t at =
            window_.read_at(point, Window3::split(k, window_.kernel));
        if (at < 0) continue;
        const T* x = in(0).as<const T>() +
                     (image * window_.x_points() + at) * window_.channels +
                     group * depth_;
        for (std::int64_t c = 0; c < depth_; ++c) {
          add_row<T>(
              sums,
              widen(x[c]),
              w + (k * depth_ + c) * window_.filters + f0,
              n);
        }
      }
      store_row<T>(sums, y + f0, n);
      f0 += n;
    }
  }
};

// Weights are brought to [kernel..., f, c / groups] first, so that the
// channels of dx are summed side by side.
class ConvBackwardDataKernel final : public ConvBase {
 public:
  ConvBackwardDataKernel(const Graph& graph, const Node& node)
      : ConvBase(
            node,
            graph.type(node.outputs[0]).shape,
            graph.type(node.inputs[1]).shape,
            graph.type(node.inputs[0]).shape),
        scratch_bytes_(graph.type(node.inputs[1]).size_bytes()) {}

  std::int64_t scratch_bytes() const override { return scratch_bytes_; }

  void run() override {
    visit_numeric(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* w = in(1).template as<const T>();
      T* turned = reinterpret_cast<T*>(scratch());
      const std::int64_t filters = window_.filters;
      for (std::int64_t k = 0; k < window_.taps(); ++k) {
        for (std::int64_t c = 0; c < depth_; ++c) {
          for (std::int64_t f = 0; f < filters; ++f) {
            turned[(k * filters + f) * depth_ + c] =
                w[(k * depth_ + c) * filters + f];
          }
        }
      }
      const std::int64_t points = window_.x_points();
      parallel_for(
          window_.batch * points,
          grain_for(window_.taps() * depth_ * filters),
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
              one_point<T>(turned, i / points, i % points);
            }
          });
    });
  }

 private:
  template <class T>
  void one_point(const T* turned, std::int64_t image, std::int64_t flat) const {
    T* dx =
        out().as<T>() + (image * window_.x_points() + flat) * window_.channels;
    const auto point = Window3::split(flat, window_.x);
    for (std::int64_t c0 = 0; c0 < window_.channels;) {
      const std::int64_t group = c0 / depth_;
      const std::int64_t n = std::min(kTile, (group + 1) * depth_ - c0);
      Sum<T> sums[kTile] = {};
      for (std::int64_t k = 0; k < window_.taps(); ++k) {
        const std::int64_t from =
            window_.read_by(point, Window3::split(k, window_.kernel));
        if (from < 0) continue;
        const T* dy = in(0).as<const T>() +
                      (image * window_.y_points() + from) * window_.filters;
        for (std::int64_t j = 0; j < width_; ++j) {
          const std::int64_t f = group * width_ + j;
          add_row<T>(
              sums,
              widen(dy[f]),
              turned + (k * window_.filters + f) * depth_ +
                  (c0 - group * depth_),
              n);
        }
      }
      store_row<T>(sums, dx + c0, n);
      c0 += n;
    }
  }

  std::int64_t scratch_bytes_;
};

class ConvBackwardWeightsKernel final : public ConvBase {
 public:
  ConvBackwardWeightsKernel(const Graph& graph, const Node& node)
      : ConvBase(
            node,
            graph.type(node.inputs[0]).shape,
            graph.type(node.outputs[0]).shape,
            graph.type(node.inputs[1]).shape) {}

  void run() override {
    visit_numeric(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const std::int64_t rows = window_.taps() * depth_;
      parallel_for(
          rows,
          grain_for(window_.batch * window_.y_points() * window_.filters),
          [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) {
              one_row<T>(i / depth_, i % depth_);
            }
          });
    });
  }

 private:
  // dw[k, c, :]
  template <class T>
  void one_row(std::int64_t k, std::int64_t c) const {
    const auto tap = Window3::split(k, window_.kernel);
    T* dw = out().as<T>() + (k * depth_ + c) * window_.filters;
    for (std::int64_t f0 = 0; f0 < window_.filters;) {
      const std::int64_t group = f0 / width_;
      const std::int64_t n = std::min(kTile, (group + 1) * width_ - f0);
      Sum<T> sums[kTile] = {};
      for (std::int64_t image = 0; image < window_.batch; ++image) {
        const T* x = in(0).as<const T>() +
                     image * window_.x_points() * window_.channels +
                     group * depth_ + c;
        const T* dy = in(1).as<const T>() +
                      image * window_.y_points() * window_.filters + f0;
        for (std::int64_t p = 0; p < window_.y_points(); ++p) {
          const std::int64_t at =
              window_.read_at(Window3::split(p, window_.y), tap);
          if (at < 0) continue;
          add_row<T>(
              sums,
              widen(x[at * window_.channels]),
              dy + p * window_.filters,
              n);
        }
      }
      store_row<T>(sums, dw + f0, n);
      f0 += n;
    }
  }
};

constexpr KernelEntry kEntries[] = {
    {"reference.conv", supports_ops<Op::conv>, make_kernel<ConvKernel>},
    {"reference.conv_backward_data",
     supports_ops<Op::conv_backward_data>,
     make_kernel<ConvBackwardDataKernel>},
    {"reference.conv_backward_weights",
     supports_ops<Op::conv_backward_weights>,
     make_kernel<ConvBackwardWeightsKernel>},
};

}  // namespace

std::span<const KernelEntry> conv_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
