// Batch and layer normalisation. x is [rows, c]; everything is computed in
// double. Parameters and statistics may be f32 beside an x of 16 bits.

#include <cmath>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

void store(const View& view, std::int64_t i, double value) {
  visit_floating(view.type->dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    view.as<T>()[i] = convert_element<T>(value);
  });
}

template <class T>
double at(const View& view, std::int64_t i) {
  return convert_element<double>(view.as<const T>()[i]);
}

class NormBase : public BoundKernel {
 public:
  NormBase(const Graph& graph, const Node& node) {
    const Shape& x = graph.type(node.inputs[0]).shape;
    channels_ = x.back();
    for (std::size_t i = 0; i + 1 < x.rank(); ++i) rows_ *= x[i];
    if (node.attrs.find("epsilon") != nullptr) {
      epsilon_ = node.attrs.number("epsilon");
    }
  }

 protected:
  double inverse_deviation(double variance) const {
    return 1 / std::sqrt(variance + epsilon_);
  }

  std::int64_t rows_ = 1;
  std::int64_t channels_ = 0;
  double epsilon_ = 0;
};

// Mean and population variance of n elements `step` apart, in two sweeps.
struct Moments {
  double mean = 0;
  double variance = 0;

  template <class T>
  Moments(const T* x, std::int64_t n, std::int64_t step) {
    for (std::int64_t i = 0; i < n; ++i) {
      mean += convert_element<double>(x[i * step]);
    }
    mean /= static_cast<double>(n);
    for (std::int64_t i = 0; i < n; ++i) {
      const double difference = convert_element<double>(x[i * step]) - mean;
      variance += difference * difference;
    }
    variance /= static_cast<double>(n);
  }
};

// (x, gamma, beta) -> (y, mean, variance)
class BatchNormTrainingKernel final : public NormBase {
 public:
  using NormBase::NormBase;

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t c = 0; c < channels_; ++c) {
        const Moments moments(
            in().template as<const T>() + c, rows_, channels_);
        const double scale =
            load_double(in(1), c) * inverse_deviation(moments.variance);
        const double beta = load_double(in(2), c);
        for (std::int64_t r = 0; r < rows_; ++r) {
          const std::int64_t i = r * channels_ + c;
          out().template as<T>()[i] = convert_element<T>(
              (at<T>(in(), i) - moments.mean) * scale + beta);
        }
        store(out(1), c, moments.mean);
        store(out(2), c, moments.variance);
      }
    });
  }
};

// (x, gamma, beta, mean, variance) -> y
class BatchNormInferenceKernel final : public NormBase {
 public:
  using NormBase::NormBase;

  bool can_overwrite(int operand, int) const override { return operand == 0; }

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t c = 0; c < channels_; ++c) {
        const double scale =
            load_double(in(1), c) * inverse_deviation(load_double(in(4), c));
        const double beta = load_double(in(2), c);
        const double mean = load_double(in(3), c);
        for (std::int64_t r = 0; r < rows_; ++r) {
          const std::int64_t i = r * channels_ + c;
          out().template as<T>()[i] =
              convert_element<T>((at<T>(in(), i) - mean) * scale + beta);
        }
      }
    });
  }
};

// (x, gamma, mean, variance, dy) -> (dx, dgamma, dbeta); with r = 1 /
// deviation, h = (x - mean) * r and m rows:
//   dbeta = sum(dy)   dgamma = sum(dy * h)
//   dx = gamma * r * (dy - dbeta / m - h * dgamma / m)
class BatchNormGradKernel final : public NormBase {
 public:
  using NormBase::NormBase;

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto m = static_cast<double>(rows_);
      for (std::int64_t c = 0; c < channels_; ++c) {
        const double mean = load_double(in(2), c);
        const double r = inverse_deviation(load_double(in(3), c));
        double dbeta = 0;
        double dgamma = 0;
        for (std::int64_t row = 0; row < rows_; ++row) {
          const std::int64_t i = row * channels_ + c;
          const double dy = at<T>(in(4), i);
          dbeta += dy;
          dgamma += dy * (at<T>(in(0), i) - mean) * r;
        }
        const double scale = load_double(in(1), c) * r;
        for (std::int64_t row = 0; row < rows_; ++row) {
          const std::int64_t i = row * channels_ + c;
          const double h = (at<T>(in(0), i) - mean) * r;
          out().template as<T>()[i] = convert_element<T>(
              scale * (at<T>(in(4), i) - dbeta / m - h * dgamma / m));
        }
        store(out(1), c, dgamma);
        store(out(2), c, dbeta);
      }
    });
  }
};

// (x, gamma, beta) -> (y, mean, rstd)
class LayerNormKernel final : public NormBase {
 public:
  using NormBase::NormBase;

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t row = 0; row < rows_; ++row) {
        const std::int64_t base = row * channels_;
        const Moments moments(in().template as<const T>() + base, channels_, 1);
        const double rstd = inverse_deviation(moments.variance);
        for (std::int64_t c = 0; c < channels_; ++c) {
          const double h = (at<T>(in(), base + c) - moments.mean) * rstd;
          out().template as<T>()[base + c] = convert_element<T>(
              h * load_double(in(1), c) + load_double(in(2), c));
        }
        store(out(1), row, moments.mean);
        store(out(2), row, rstd);
      }
    });
  }
};

// (x, gamma, mean, rstd, dy) -> (dx, dgamma, dbeta); with h = (x - mean) * rstd
// and g = dy * gamma:
//   dx = rstd * (g - mean(g) - h * mean(g * h))
class LayerNormGradKernel final : public NormBase {
 public:
  using NormBase::NormBase;

  // dgamma and dbeta are summed over the rows in double.
  std::int64_t scratch_bytes() const override {
    return 2 * channels_ * static_cast<std::int64_t>(sizeof(double));
  }

  void run() override {
    visit_floating(in().type->dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      auto* dgamma = reinterpret_cast<double*>(scratch());
      double* dbeta = dgamma + channels_;
      std::fill_n(dgamma, 2 * channels_, 0.0);
      for (std::int64_t row = 0; row < rows_; ++row) {
        const std::int64_t base = row * channels_;
        const double mean = load_double(in(2), row);
        const double rstd = load_double(in(3), row);
        double sum_g = 0;
        double sum_gh = 0;
        for (std::int64_t c = 0; c < channels_; ++c) {
          const double dy = at<T>(in(4), base + c);
          const double h = (at<T>(in(0), base + c) - mean) * rstd;
          const double g = dy * load_double(in(1), c);
          sum_g += g;
          sum_gh += g * h;
          dgamma[c] += dy * h;
          dbeta[c] += dy;
        }
        const auto n = static_cast<double>(channels_);
        for (std::int64_t c = 0; c < channels_; ++c) {
          const double h = (at<T>(in(0), base + c) - mean) * rstd;
          const double g = at<T>(in(4), base + c) * load_double(in(1), c);
          out().template as<T>()[base + c] =
              convert_element<T>(rstd * (g - sum_g / n - h * sum_gh / n));
        }
      }
      for (std::int64_t c = 0; c < channels_; ++c) {
        store(out(1), c, dgamma[c]);
        store(out(2), c, dbeta[c]);
      }
    });
  }
};

constexpr KernelEntry kEntries[] = {
    {"reference.batch_norm_training",
     supports_ops<Op::batch_norm_training>,
     make_kernel<BatchNormTrainingKernel>},
    {"reference.batch_norm_inference",
     supports_ops<Op::batch_norm_inference>,
     make_kernel<BatchNormInferenceKernel>},
    {"reference.batch_norm_grad",
     supports_ops<Op::batch_norm_grad>,
     make_kernel<BatchNormGradKernel>},
    {"reference.layer_norm",
     supports_ops<Op::layer_norm>,
     make_kernel<LayerNormKernel>},
    {"reference.layer_norm_grad",
     supports_ops<Op::layer_norm_grad>,
     make_kernel<LayerNormGradKernel>},
};

}  // namespace

std::span<const KernelEntry> norm_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
