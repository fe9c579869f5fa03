#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "src/backends/cuda/lowering.hpp"

/// What lowering asks of cuBLASLt and cuDNN. Tests may give other ones.
namespace keratin::cuda {

/// What may follow a product in the same kernel.
enum class Epilogue : std::uint8_t { none, bias, relu_bias, gelu_bias };

/// y = a . b for a batch of matrices, all dense and row-major:
///   a: [m, k] (or [k, m] transposed), b: [k, n] (or [n, k]), y: [m, n]
struct MatmulSpec {
  DType dtype = DType::f32;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  bool transpose_a = false;
  bool transpose_b = false;
  std::int64_t batches = 1;
  std::int64_t a_step = 0;  // elements from one batch to the next; 0: shared
  std::int64_t b_step = 0;
  std::int64_t alignment = 16;  // bytes that all three addresses divide by
  Epilogue epilogue = Epilogue::none;

  bool operator==(const MatmulSpec&) const = default;
};

/// A product with its algorithm chosen. Buffers of the call: a, b, y, scratch,
/// and the bias where the epilogue has one.
struct MatmulPlan {
  std::shared_ptr<const LibraryCall> call;
  std::int64_t scratch_bytes = 0;
};

class MatmulLibrary {
 public:
  MatmulLibrary() = default;
  virtual ~MatmulLibrary() = default;
  MatmulLibrary(const MatmulLibrary&) = delete;
  MatmulLibrary& operator=(const MatmulLibrary&) = delete;

  /// Nothing when the library does not take it.
  virtual std::optional<MatmulPlan> plan(const MatmulSpec& spec) = 0;
};

class ConvolutionLibrary {
 public:
  ConvolutionLibrary() = default;
  virtual ~ConvolutionLibrary() = default;
  ConvolutionLibrary(const ConvolutionLibrary&) = delete;
  ConvolutionLibrary& operator=(const ConvolutionLibrary&) = delete;

  /// conv, conv_backward_data or conv_backward_weights; nothing when the
  /// library does not take it.
  virtual std::optional<Lowering> lower(const LowerArgs& args) = 0;
};

}  // namespace keratin::cuda
