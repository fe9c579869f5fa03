#include <algorithm>
#include <cstring>

#include "src/core/format.hpp"
#include "tests/backends/cuda/stand_in_state.hpp"

namespace keratin::cuda::testing {

namespace {

struct FakeLayout {
  cudaDataType_t type;
  std::uint64_t rows;
  std::uint64_t columns;
  std::int64_t ld;
  std::int32_t batches = 1;
  std::int64_t stride = 0;
};

struct FakePreference {
  std::uint32_t alignment = 256;
};

// What the heuristic was promised; the stand-in's algorithm remembers it.
std::uint32_t& promised(cublasLtMatmulAlgo_t& algorithm) {
  return *reinterpret_cast<std::uint32_t*>(algorithm.data);
}

struct FakeProduct {
  cublasOperation_t a = CUBLAS_OP_N;
  cublasOperation_t b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const void* bias = nullptr;
};

double read(const void* data, cudaDataType_t type, std::int64_t i) {
  switch (type) {
    case CUDA_R_64F:
      return static_cast<const double*>(data)[i];
    case CUDA_R_32F:
      return static_cast<const float*>(data)[i];
    case CUDA_R_16F:
      return static_cast<float>(static_cast<const Float16*>(data)[i]);
    case CUDA_R_16BF:
      return static_cast<float>(static_cast<const BFloat16*>(data)[i]);
    default:
      throw std::logic_error("a type the stand-in does not know");
  }
}

void write(void* data, cudaDataType_t type, std::int64_t i, double value) {
  const auto single = static_cast<float>(value);
  switch (type) {
    case CUDA_R_64F:
      static_cast<double*>(data)[i] = value;
      break;
    case CUDA_R_32F:
      static_cast<float*>(data)[i] = single;
      break;
    case CUDA_R_16F:
      static_cast<Float16*>(data)[i] = Float16(single);
      break;
    case CUDA_R_16BF:
      static_cast<BFloat16*>(data)[i] = BFloat16(single);
      break;
    default:
      throw std::logic_error("a type the stand-in does not know");
  }
}

std::size_t f_cublasLtGetVersion() {
  return 130000;
}

const char* f_cublasLtGetStatusName(cublasStatus_t) {
  return "CUBLAS_STATUS_OTHER";
}

cublasStatus_t f_cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = reinterpret_cast<cublasLtHandle_t>(&state());
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtDestroy(cublasLtHandle_t) {
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulDescCreate(
    cublasLtMatmulDesc_t* made, cublasComputeType_t, cudaDataType_t) {
  *made = reinterpret_cast<cublasLtMatmulDesc_t>(new FakeProduct);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) {
  delete reinterpret_cast<FakeProduct*>(product);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulDescSetAttribute(
    cublasLtMatmulDesc_t handle,
    cublasLtMatmulDescAttributes_t which,
    const void* value,
    std::size_t size) {
  auto* product = reinterpret_cast<FakeProduct*>(handle);
  const auto take = [&](auto& field) {
    if (size != sizeof(field)) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&field, value, size);
    return CUBLAS_STATUS_SUCCESS;
  };
  switch (which) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return take(product->a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return take(product->b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return take(product->epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return take(product->bias);
    default:
      return CUBLAS_STATUS_INVALID_VALUE;
  }
}

cublasStatus_t f_cublasLtMatrixLayoutCreate(
    cublasLtMatrixLayout_t* made,
    cudaDataType_t type,
    std::uint64_t rows,
    std::uint64_t columns,
    std::int64_t ld) {
  if (ld < static_cast<std::int64_t>(rows)) return CUBLAS_STATUS_INVALID_VALUE;
  *made = reinterpret_cast<cublasLtMatrixLayout_t>(
      new FakeLayout{type, rows, columns, ld});
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete reinterpret_cast<FakeLayout*>(layout);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatrixLayoutSetAttribute(
    cublasLtMatrixLayout_t handle,
    cublasLtMatrixLayoutAttribute_t which,
    const void* value,
    std::size_t) {
  auto* layout = reinterpret_cast<FakeLayout*>(handle);
  if (which == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT) {
    std::memcpy(&layout->batches, value, sizeof(layout->batches));
  } else if (which == CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET) {
    std::memcpy(&layout->stride, value, sizeof(layout->stride));
  } else {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulPreferenceCreate(
    cublasLtMatmulPreference_t* made) {
  *made = reinterpret_cast<cublasLtMatmulPreference_t>(new FakePreference);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulPreferenceDestroy(
    cublasLtMatmulPreference_t preference) {
  delete reinterpret_cast<FakePreference*>(preference);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulPreferenceSetAttribute(
    cublasLtMatmulPreference_t preference,
    cublasLtMatmulPreferenceAttributes_t which,
    const void* value,
    std::size_t) {
  if (which == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES) {
    std::memcpy(
        &reinterpret_cast<FakePreference*>(preference)->alignment,
        value,
        sizeof(std::uint32_t));
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t f_cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t,
    cublasLtMatmulDesc_t,
    cublasLtMatrixLayout_t,
    cublasLtMatrixLayout_t,
    cublasLtMatrixLayout_t,
    cublasLtMatrixLayout_t,
    cublasLtMatmulPreference_t preference,
    int,
    cublasLtMatmulHeuristicResult_t* found,
    int* count) {
  *count = 1;
  promised(found->algo) =
      reinterpret_cast<FakePreference*>(preference)->alignment;
  found->workspaceSize = 1024;
  found->state = CUBLAS_STATUS_SUCCESS;
  return CUBLAS_STATUS_SUCCESS;
}

// D = op(A) op(B), then the epilogue; matrices by columns.
cublasStatus_t f_cublasLtMatmul(
    cublasLtHandle_t,
    cublasLtMatmulDesc_t product_handle,
    const void* alpha,
    const void* a,
    cublasLtMatrixLayout_t a_handle,
    const void* b,
    cublasLtMatrixLayout_t b_handle,
    const void* beta,
    const void*,
    cublasLtMatrixLayout_t,
    void* d,
    cublasLtMatrixLayout_t d_handle,
    const cublasLtMatmulAlgo_t* algorithm,
    void* workspace,
    std::size_t workspace_size,
    CUstream handle) {
  FakeStream* stream = as_stream(handle);
  const FakeProduct product = *reinterpret_cast<FakeProduct*>(product_handle);
  const FakeLayout la = *reinterpret_cast<FakeLayout*>(a_handle);
  const FakeLayout lb = *reinterpret_cast<FakeLayout*>(b_handle);
  const FakeLayout ld = *reinterpret_cast<FakeLayout*>(d_handle);
  note(
      "cublasLtMatmul",
      keratin::format(
          "[{}, {}] epilogue {}",
          ld.columns,
          ld.rows,
          static_cast<int>(product.epilogue)),
      stream);
  const bool wide = ld.type == CUDA_R_64F;
  const double one = wide ? *static_cast<const double*>(alpha)
                          : *static_cast<const float*>(alpha);
  const double zero = wide ? *static_cast<const double*>(beta)
                           : *static_cast<const float*>(beta);
  const bool ta = product.a == CUBLAS_OP_T;
  const bool tb = product.b == CUBLAS_OP_T;
  const std::uint64_t k = ta ? la.rows : la.columns;
  if (one != 1 || zero != 0 || algorithm == nullptr ||
      (ta ? la.columns : la.rows) != ld.rows ||
      (tb ? lb.rows : lb.columns) != ld.columns ||
      (tb ? lb.columns : lb.rows) != k || la.batches != ld.batches ||
      lb.batches != ld.batches) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto at = [](const void* data) {
    return reinterpret_cast<std::uint64_t>(data);
  };
  for (const void* data : {a, b, static_cast<const void*>(d)}) {
    cublasLtMatmulAlgo_t copy = *algorithm;
    if (at(data) % promised(copy) != 0) {
      violate(
          keratin::format("cublasLtMatmul: not on {} bytes", promised(copy)));
    }
  }
  Operation operation;
  operation.name = "cublasLtMatmul";
  operation.uses = {at(a), at(b), at(d)};
  if (workspace_size > 0) operation.uses.push_back(at(workspace));
  operation.run = [=] {
    if (workspace_size > 0) std::memset(workspace, 0xFF, workspace_size);
    for (std::int32_t batch = 0; batch < ld.batches; ++batch) {
      for (std::uint64_t j = 0; j < ld.columns; ++j) {
        for (std::uint64_t i = 0; i < ld.rows; ++i) {
          double sum = 0;
          for (std::uint64_t l = 0; l < k; ++l) {
            const std::int64_t from_a =
                ta ? std::int64_t(i) * la.ld + std::int64_t(l)
                   : std::int64_t(l) * la.ld + std::int64_t(i);
            const std::int64_t from_b =
                tb ? std::int64_t(l) * lb.ld + std::int64_t(j)
                   : std::int64_t(j) * lb.ld + std::int64_t(l);
            sum += read(a, la.type, batch * la.stride + from_a) *
                   read(b, lb.type, batch * lb.stride + from_b);
          }
          if (product.bias != nullptr) {
            sum += read(product.bias, ld.type, std::int64_t(i));
          }
          if (product.epilogue == CUBLASLT_EPILOGUE_RELU_BIAS && sum < 0) {
            sum = 0;
          }
          write(
              d,
              ld.type,
              batch * ld.stride + std::int64_t(j) * ld.ld + std::int64_t(i),
              sum);
        }
      }
    }
  };
  enqueue(stream, std::move(operation));
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

void set_blas(BlasLtApi& blas) {
#define KERATIN_FAKE_BLAS(name) blas.name = f_##name;
  KERATIN_CUDA_BLASLT(KERATIN_FAKE_BLAS)
#undef KERATIN_FAKE_BLAS
}

}  // namespace keratin::cuda::testing
