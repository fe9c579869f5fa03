// Batch normalisation over all axes but the last, float32. x is [rows, c].

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "src/backends/cpu/epilogue.hpp"
#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/norm_gate.hpp"
#include "src/backends/cpu/norm_rows.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kGrain = 32 << 10;  // elements worth a second thread

// Rows are summed in pieces, as many for any number of threads, so that
// results do not depend on it; columns in tiles that stay in registers.
constexpr std::int64_t kPieces = 32;
constexpr std::int64_t kRowsPerPiece = 128;
constexpr std::int64_t kTile = 256;

class BatchNormBase : public host::Kernel {
 public:
  /// `norm` is the node itself, or the one in its body.
  BatchNormBase(const Graph& graph, const Node& node, const Node& norm)
      : epsilon_(norm.attrs.number("epsilon")) {
    const Shape& x = graph.type(node.inputs[0]).shape;
    channels_ = x.back();
    rows_ = x.size() / channels_;
    pieces_ = std::clamp<std::int64_t>(rows_ / kRowsPerPiece, 1, kPieces);
    tiles_ = (channels_ + kTile - 1) / kTile;
  }

  std::int64_t scratch_bytes() const override {
    const auto doubles = 2 * pieces_ * channels_;
    const auto floats = 4 * channels_;
    return doubles * static_cast<std::int64_t>(sizeof(double)) +
           floats * static_cast<std::int64_t>(sizeof(float));
  }

  void bind(const host::Binding& binding) override {
    binding_ = binding;
    first_ = reinterpret_cast<double*>(binding.scratch);
    second_ = first_ + pieces_ * channels_;
    vectors_ = reinterpret_cast<float*>(second_ + pieces_ * channels_);
  }

 protected:
  const float* in(std::size_t i) const {
    return binding_.inputs[i].as<const float>();
  }

  float* out(std::size_t i) const { return binding_.outputs[i].as<float>(); }

  // One of four vectors over the channels.
  float* vector(std::int64_t i) const { return vectors_ + i * channels_; }

  double inverse_deviation(double variance) const {
    return 1 / std::sqrt(variance + epsilon_);
  }

  // Calls sum(columns, first element, first column, sums, sums) for all pieces
  // and tiles, and adds the pieces up in first_[c] and second_[c].
  template <class F>
  void sum_columns(const F& sum) const {
    parallel_for(
        pieces_ * tiles_,
        std::max<std::int64_t>(1, kGrain * pieces_ * tiles_ / size()),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t task = begin; task < end; ++task) {
            const std::int64_t piece = task / tiles_;
            const std::int64_t column = task % tiles_ * kTile;
            const std::int64_t row = rows_ * piece / pieces_;
            const Columns columns = {
                rows_ * (piece + 1) / pieces_ - row,
                channels_,
                std::min(kTile, channels_ - column)};
            const std::int64_t at = piece * channels_ + column;
            sum(columns,
                row * channels_ + column,
                column,
                first_ + at,
                second_ + at);
          }
        });
    for (std::int64_t piece = 1; piece < pieces_; ++piece) {
      for (std::int64_t c = 0; c < channels_; ++c) {
        first_[c] += first_[piece * channels_ + c];
        second_[c] += second_[piece * channels_ + c];
      }
    }
  }

  // Calls f(first element) for every row.
  template <class F>
  void for_each_row(const F& f) const {
    parallel_for(
        rows_,
        std::max<std::int64_t>(1, kGrain / channels_),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t row = begin; row < end; ++row) f(row * channels_);
        });
  }

  std::int64_t size() const { return rows_ * channels_; }

  double epsilon_;
  std::int64_t rows_ = 1;
  std::int64_t channels_ = 1;
  double* first_ = nullptr;
  double* second_ = nullptr;

 private:
  std::int64_t pieces_ = 1;
  std::int64_t tiles_ = 1;
  float* vectors_ = nullptr;
  host::Binding binding_;
};

// y = activation(normalised + residual)
class ForwardKernel : public BatchNormBase {
 public:
  ForwardKernel(const Graph& graph, const Node& node, const Stem& stem)
      : BatchNormBase(graph, node, *stem.node), epilogue_(stem.epilogue) {
    using Activation = Epilogue::Activation;
    end_.clips = epilogue_.activation != Activation::none;
    if (epilogue_.activation == Activation::clip) {
      end_.limit = static_cast<float>(epilogue_.limit);
    }
  }

  // A row of the residual is read before y is written there.
  bool can_overwrite(int operand, int result) const override {
    return result == 0 && operand >= 0 && operand == epilogue_.residual;
  }

 protected:
  void normalize(
      const float* mean, const float* scale, const float* beta) const {
    const float* residual =
        epilogue_.residual >= 0
            ? in(static_cast<std::size_t>(epilogue_.residual))
            : nullptr;
    for_each_row([&](std::int64_t at) {
      NormEnd end = end_;
      if (residual != nullptr) end.residual = residual + at;
      normalize_row(in(0) + at, mean, scale, beta, end, out(0) + at, channels_);
    });
  }

 private:
  Epilogue epilogue_;
  NormEnd end_;
};

// (x, gamma, beta, residual) -> (y, mean, variance)
class TrainingKernel final : public ForwardKernel {
 public:
  using ForwardKernel::ForwardKernel;

  void run() override {
    const float* x = in(0);
    // Moments around the first row: the sums cancel little then, however far
    // the mean is from 0.
    float* pivot = vector(0);
    std::copy_n(x, channels_, pivot);
    sum_columns([&](const Columns& columns,
                    std::int64_t at,
                    std::int64_t column,
                    double* sum,
                    double* square) {
      moment_columns(columns, x + at, pivot + column, sum, square);
    });
    float* mean = out(1);
    float* variance = out(2);
    float* scale = vector(1);
    const auto n = static_cast<double>(rows_);
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double shift = first_[c] / n;
      const double spread = std::max(0.0, second_[c] / n - shift * shift);
      mean[c] = static_cast<float>(pivot[c] + shift);
      variance[c] = static_cast<float>(spread);
      // As the gradient has it, which sees the rounded variance.
      scale[c] = static_cast<float>(in(1)[c] * inverse_deviation(variance[c]));
    }
    normalize(mean, scale, in(2));
  }
};

// (x, gamma, beta, mean, variance, residual) -> y
class InferenceKernel final : public ForwardKernel {
 public:
  using ForwardKernel::ForwardKernel;

  bool can_overwrite(int operand, int result) const override {
    return operand == 0 || ForwardKernel::can_overwrite(operand, result);
  }

  void run() override {
    float* scale = vector(0);
    for (std::int64_t c = 0; c < channels_; ++c) {
      scale[c] = static_cast<float>(in(1)[c] * inverse_deviation(in(4)[c]));
    }
    normalize(in(3), scale, in(2));
  }
};

// (x, gamma, mean, variance, dy[, beta]) -> (dx, dgamma, dbeta); with r = 1 /
// deviation, h = (x - mean) * r and m rows, dy 0 where the ReLU was closed:
//   dbeta = sum(dy)   dgamma = sum(dy * h)
//   dx = gamma * r * (dy - dbeta / m - h * dgamma / m)
class GradKernel final : public BatchNormBase {
 public:
  GradKernel(const Graph& graph, const Node& node, const GatedNormGrad& grad)
      : BatchNormBase(graph, node, *grad.node), grad_(grad) {}

  // A block of dx is written when x and dy there have been read.
  bool can_overwrite(int operand, int result) const override {
    return result == 0 && (operand == 0 || operand == 4);
  }

  void run() override {
    const float* x = in(0);
    const float* dy = in(4);
    const float* mean = in(2);
    float* scale = vector(0);
    for (std::int64_t c = 0; c < channels_; ++c) {
      scale[c] = static_cast<float>(in(1)[c] * inverse_deviation(in(3)[c]));
    }
    NormGate gate;
    if (grad_.beta >= 0) {
      gate = {
          scale,
          in(static_cast<std::size_t>(grad_.beta)),
          static_cast<float>(grad_.limit)};
    }
    sum_columns([&](const Columns& columns,
                    std::int64_t at,
                    std::int64_t column,
                    double* sum,
                    double* product) {
      NormGate own = gate;
      if (gate.scale != nullptr) {
        own.scale += column;
        own.beta += column;
      }
      batch_norm_grad_columns(
          columns, x + at, dy + at, mean + column, own, sum, product);
    });
    float* a = vector(1);
    float* b = vector(2);
    const auto m = static_cast<double>(rows_);
    for (std::int64_t c = 0; c < channels_; ++c) {
      const double r = inverse_deviation(in(3)[c]);
      const double dgamma = second_[c] * r;
      a[c] = static_cast<float>(first_[c] / m);
      b[c] = static_cast<float>(dgamma * r / m);
      out(1)[c] = static_cast<float>(dgamma);
      out(2)[c] = static_cast<float>(first_[c]);
    }
    for_each_row([&](std::int64_t at) {
      batch_norm_grad_row(
          x + at, dy + at, mean, scale, a, b, gate, out(0) + at, channels_);
    });
  }

 private:
  GatedNormGrad grad_;
};

const Node* norm_of(const Node& node) {
  if (const auto grad = gated_norm_grad_of(node); grad.node != nullptr) {
    return grad.node;
  }
  const Node* stem = stem_of(node).node;
  const bool is_norm =
      stem != nullptr && (stem->op == Op::batch_norm_training ||
                          stem->op == Op::batch_norm_inference);
  return is_norm ? stem : nullptr;
}

Support supports(const Graph& graph, const Node& node) {
  if (norm_of(node) == nullptr) return Support::no("");
  const ValueType& type = graph.type(node.inputs[0]);
  if (type.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", type.dtype));
  }
  if (type.shape.size() == 0) return Support::no("no elements");
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  switch (norm_of(node)->op) {
    case Op::batch_norm_training:
      return std::make_unique<TrainingKernel>(graph, node, stem_of(node));
    case Op::batch_norm_inference:
      return std::make_unique<InferenceKernel>(graph, node, stem_of(node));
    default:
      return std::make_unique<GradKernel>(
          graph, node, gated_norm_grad_of(node));
  }
}

}  // namespace

std::vector<host::KernelEntry> families::batch_norm_kernels() {
  return {{"cpu.batch_norm", supports, make}};
}

}  // namespace keratin::cpu
