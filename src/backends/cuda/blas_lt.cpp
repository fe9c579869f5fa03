// Products by cuBLASLt. It computes by columns: a row-major y[m, n] is its
// column-major D[n, m], so
//   y = a . b    =>    D = B . A   with B: [n, k], A: [k, m] by columns
// and a bias along n is a bias along D's rows, which its epilogue adds.

#include "src/backends/cuda/blas_lt.hpp"

#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "src/core/format.hpp"
#include "src/core/log.hpp"

namespace keratin::cuda {

namespace {

// What NVIDIA recommends for Hopper; less elsewhere does no harm to offer.
constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20;

std::optional<cudaDataType_t> data_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return CUDA_R_32F;
    case DType::f64:
      return CUDA_R_64F;
    case DType::f16:
      return CUDA_R_16F;
    case DType::bf16:
      return CUDA_R_16BF;
    default:
      return std::nullopt;
  }
}

cublasLtEpilogue_t epilogue_of(Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::bias:
      return CUBLASLT_EPILOGUE_BIAS;
    case Epilogue::relu_bias:
      return CUBLASLT_EPILOGUE_RELU_BIAS;
    case Epilogue::gelu_bias:
      return CUBLASLT_EPILOGUE_GELU_BIAS;
    case Epilogue::none:
      break;
  }
  return CUBLASLT_EPILOGUE_DEFAULT;
}

class Matrix {
 public:
  Matrix(
      const BlasLtApi& api,
      cudaDataType_t type,
      std::int64_t rows,
      std::int64_t columns,
      const MatmulSpec& spec,
      std::int64_t step)
      : api_(api) {
    KERATIN_CUDA_CHECK(
        api_,
        cublasLtMatrixLayoutCreate(
            &layout_,
            type,
            static_cast<std::uint64_t>(rows),
            static_cast<std::uint64_t>(columns),
            rows));
    if (spec.batches == 1) return;
    const auto count = static_cast<std::int32_t>(spec.batches);
    KERATIN_CUDA_CHECK(
        api_,
        cublasLtMatrixLayoutSetAttribute(
            layout_,
            CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
            &count,
            sizeof(count)));
    KERATIN_CUDA_CHECK(
        api_,
        cublasLtMatrixLayoutSetAttribute(
            layout_,
            CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
            &step,
            sizeof(step)));
  }

  ~Matrix() {
    if (layout_ != nullptr) api_.cublasLtMatrixLayoutDestroy(layout_);
  }

  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  cublasLtMatrixLayout_t get() const { return layout_; }

 private:
  const BlasLtApi& api_;
  cublasLtMatrixLayout_t layout_ = nullptr;
};

// a, b, y, scratch[, bias]
class Product final : public LibraryCall {
 public:
  Product(const BlasLtApi& api, cublasLtHandle_t handle, const MatmulSpec& spec)
      : api_(api),
        handle_(handle),
        spec_(spec),
        type_(*data_type(spec.dtype)),
        first_(
            api,
            type_,
            spec.transpose_b ? spec.k : spec.n,
            spec.transpose_b ? spec.n : spec.k,
            spec,
            spec.b_step),
        second_(
            api,
            type_,
            spec.transpose_a ? spec.m : spec.k,
            spec.transpose_a ? spec.k : spec.m,
            spec,
            spec.a_step),
        result_(api, type_, spec.n, spec.m, spec, spec.m * spec.n) {
    const bool wide = spec.dtype == DType::f64;
    // Strict float32: no TF32 unless a policy asks for it.
    KERATIN_CUDA_CHECK(
        api_,
        cublasLtMatmulDescCreate(
            &description_,
            wide ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F,
            wide ? CUDA_R_64F : CUDA_R_32F));
    set(CUBLASLT_MATMUL_DESC_TRANSA,
        spec.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_TRANSB,
        spec.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(spec.epilogue));
  }

  ~Product() override {
    if (description_ != nullptr) api_.cublasLtMatmulDescDestroy(description_);
  }

  std::string name() const override { return "cublasLt.matmul"; }

  /// Asks for the best algorithm; false when there is none.
  bool choose() {
    cublasLtMatmulPreference_t preference = nullptr;
    KERATIN_CUDA_CHECK(api_, cublasLtMatmulPreferenceCreate(&preference));
    const auto prefer = [&](auto attribute, const auto& value) {
      KERATIN_CUDA_CHECK(
          api_,
          cublasLtMatmulPreferenceSetAttribute(
              preference, attribute, &value, sizeof(value)));
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceBytes);
    const auto alignment = static_cast<std::uint32_t>(spec_.alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment);
    cublasLtMatmulHeuristicResult_t found{};
    int count = 0;
    const cublasStatus_t status = api_.cublasLtMatmulAlgoGetHeuristic(
        handle_,
        description_,
        first_.get(),
        second_.get(),
        result_.get(),
        result_.get(),
        preference,
        1,
        &found,
        &count);
    api_.cublasLtMatmulPreferenceDestroy(preference);
    if (status != CUBLAS_STATUS_SUCCESS || count == 0) return false;
    algorithm_ = found.algo;
    workspace_ = found.workspaceSize;
    return true;
  }

  std::int64_t scratch_bytes() const {
    return static_cast<std::int64_t>(workspace_);
  }

  void run(const std::vector<DevicePtr>& buffers, void* stream) const override {
    const auto at = [&](std::size_t i) {
      // NOLINTNEXTLINE(performance-no-int-to-ptr): addresses of the device
      return reinterpret_cast<void*>(buffers[i]);
    };
    if (spec_.epilogue != Epilogue::none) {
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, at(4));
    }
    const double one = 1;
    const double zero = 0;
    const float one_f = 1;
    const float zero_f = 0;
    const bool wide = spec_.dtype == DType::f64;
    KERATIN_CUDA_CHECK(
        api_,
        cublasLtMatmul(
            handle_,
            description_,
            wide ? static_cast<const void*>(&one) : &one_f,
            at(1),
            first_.get(),
            at(0),
            second_.get(),
            wide ? static_cast<const void*>(&zero) : &zero_f,
            at(2),
            result_.get(),
            at(2),
            result_.get(),
            &algorithm_,
            workspace_ > 0 ? at(3) : nullptr,
            workspace_,
            static_cast<CUstream>(stream)));
  }

 private:
  template <class T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) const {
    KERATIN_CUDA_CHECK(
        api_,
        cublasLtMatmulDescSetAttribute(
            description_, attribute, &value, sizeof(value)));
  }

  const BlasLtApi& api_;
  cublasLtHandle_t handle_;
  MatmulSpec spec_;
  cudaDataType_t type_;
  Matrix first_;
  Matrix second_;
  Matrix result_;
  cublasLtMatmulDesc_t description_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_{};
  std::size_t workspace_ = 0;
};

class BlasLt final : public MatmulLibrary {
 public:
  explicit BlasLt(const BlasLtApi& api) : api_(api) {
    KERATIN_CUDA_CHECK(api_, cublasLtCreate(&handle_));
  }

  std::optional<MatmulPlan> plan(const MatmulSpec& spec) override {
    if (!data_type(spec.dtype)) return std::nullopt;
    // A call with a bias remembers where it is: it serves one node.
    const bool shared = spec.epilogue == Epilogue::none;
    const std::lock_guard lock(mutex_);
    for (const auto& [known, plan] : plans_) {
      if (known == spec) return plan;
    }
    auto product = std::make_shared<Product>(api_, handle_, spec);
    if (!product->choose()) {
      KERATIN_LOG(
          dispatch,
          "cublasLt has no algorithm for {} of [{}, {}] . [{}, {}]",
          spec.dtype,
          spec.m,
          spec.k,
          spec.k,
          spec.n);
      return std::nullopt;
    }
    MatmulPlan plan{product, product->scratch_bytes()};
    if (shared) plans_.emplace_back(spec, plan);
    return plan;
  }

 private:
  const BlasLtApi& api_;
  cublasLtHandle_t handle_ = nullptr;  // lives as long as the process
  std::mutex mutex_;
  std::vector<std::pair<MatmulSpec, MatmulPlan>> plans_;
};

}  // namespace

std::unique_ptr<MatmulLibrary> make_blas_lt(const BlasLtApi& api) {
  return std::make_unique<BlasLt>(api);
}

}  // namespace keratin::cuda
