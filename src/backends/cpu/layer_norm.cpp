// Layer normalisation over the last axis, float32. x is [rows, c].

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "src/backends/cpu/families.hpp"
#include "src/backends/cpu/norm_rows.hpp"
#include "src/core/format.hpp"
#include "src/core/parallel.hpp"

namespace keratin::cpu {

namespace {

constexpr std::int64_t kGrain = 16 << 10;  // elements worth a second thread

// The sums of the gradient are made in pieces of rows, as many for any number
// of threads.
constexpr std::int64_t kPieces = 32;
constexpr std::int64_t kRowsPerPiece = 64;

// (x, gamma, beta) -> (y, mean, rstd)
class LayerNormKernel final : public host::Kernel {
 public:
  LayerNormKernel(const Graph& graph, const Node& node)
      : epsilon_(node.attrs.number("epsilon")) {
    const Shape& x = graph.type(node.inputs[0]).shape;
    channels_ = x.back();
    rows_ = x.size() / channels_;
  }

  bool can_overwrite(int operand, int result) const override {
    return operand == 0 && result == 0;
  }

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    const auto* x = binding_.inputs[0].as<const float>();
    const auto* gamma = binding_.inputs[1].as<const float>();
    const auto* beta = binding_.inputs[2].as<const float>();
    auto* y = binding_.outputs[0].as<float>();
    auto* mean = binding_.outputs[1].as<float>();
    auto* rstd = binding_.outputs[2].as<float>();
    parallel_for(
        rows_,
        std::max<std::int64_t>(1, kGrain / channels_),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t row = begin; row < end; ++row) {
            layer_norm_row(
                x + row * channels_,
                gamma,
                beta,
                epsilon_,
                y + row * channels_,
                mean + row,
                rstd + row,
                channels_);
          }
        });
  }

 private:
  double epsilon_;
  std::int64_t rows_ = 1;
  std::int64_t channels_ = 1;
  host::Binding binding_;
};

// (x, gamma, mean, rstd, dy) -> (dx, dgamma, dbeta)
class LayerNormGradKernel final : public host::Kernel {
 public:
  LayerNormGradKernel(const Graph& graph, const Node& node) {
    const Shape& x = graph.type(node.inputs[0]).shape;
    channels_ = x.back();
    rows_ = x.size() / channels_;
    pieces_ = std::clamp<std::int64_t>(rows_ / kRowsPerPiece, 1, kPieces);
  }

  // A piece's sums are made before its dx is written.
  bool can_overwrite(int operand, int result) const override {
    return result == 0 && (operand == 0 || operand == 4);
  }

  std::int64_t scratch_bytes() const override {
    return 2 * pieces_ * channels_ * static_cast<std::int64_t>(sizeof(double));
  }

  void bind(const host::Binding& binding) override { binding_ = binding; }

  void run() override {
    auto* product = reinterpret_cast<double*>(binding_.scratch);
    double* sum = product + pieces_ * channels_;
    parallel_for(
        pieces_,
        std::max<std::int64_t>(1, kGrain * pieces_ / (rows_ * channels_)),
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t piece = begin; piece < end; ++piece) {
            run_piece(
                piece, sum + piece * channels_, product + piece * channels_);
          }
        });
    auto* dgamma = binding_.outputs[1].as<float>();
    auto* dbeta = binding_.outputs[2].as<float>();
    for (std::int64_t c = 0; c < channels_; ++c) {
      double gamma_total = 0;
      double beta_total = 0;
      for (std::int64_t piece = 0; piece < pieces_; ++piece) {
        gamma_total += product[piece * channels_ + c];
        beta_total += sum[piece * channels_ + c];
      }
      dgamma[c] = static_cast<float>(gamma_total);
      dbeta[c] = static_cast<float>(beta_total);
    }
  }

 private:
  void run_piece(std::int64_t piece, double* sum, double* product) const {
    const std::int64_t first = rows_ * piece / pieces_;
    const std::int64_t last = rows_ * (piece + 1) / pieces_;
    const auto* x = binding_.inputs[0].as<const float>();
    const auto* gamma = binding_.inputs[1].as<const float>();
    const auto* mean = binding_.inputs[2].as<const float>();
    const auto* rstd = binding_.inputs[3].as<const float>();
    const auto* dy = binding_.inputs[4].as<const float>();
    auto* dx = binding_.outputs[0].as<float>();
    layer_norm_grad_columns(
        {last - first, channels_, channels_},
        x + first * channels_,
        dy + first * channels_,
        mean + first,
        rstd + first,
        sum,
        product);
    for (std::int64_t row = first; row < last; ++row) {
      layer_norm_grad_row(
          x + row * channels_,
          gamma,
          dy + row * channels_,
          mean[row],
          rstd[row],
          dx + row * channels_,
          channels_);
    }
  }

  std::int64_t rows_ = 1;
  std::int64_t channels_ = 1;
  std::int64_t pieces_ = 1;
  host::Binding binding_;
};

Support supports(const Graph& graph, const Node& node) {
  if (node.op != Op::layer_norm && node.op != Op::layer_norm_grad) {
    return Support::no("");
  }
  const ValueType& type = graph.type(node.inputs[0]);
  if (type.dtype != DType::f32) {
    return Support::no(keratin::format("takes f32, not {}", type.dtype));
  }
  if (type.shape.size() == 0) return Support::no("no elements");
  return Support::yes();
}

std::unique_ptr<host::Kernel> make(
    host::KernelFactory&, const Graph& graph, const Node& node) {
  if (node.op == Op::layer_norm) {
    return std::make_unique<LayerNormKernel>(graph, node);
  }
  return std::make_unique<LayerNormGradKernel>(graph, node);
}

}  // namespace

std::vector<host::KernelEntry> families::layer_norm_kernels() {
  return {{"cpu.layer_norm", supports, make}};
}

}  // namespace keratin::cpu
