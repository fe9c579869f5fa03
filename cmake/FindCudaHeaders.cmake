# Finds the headers of the CUDA Toolkit that the CUDA backend includes, and the
# folder of its libraries: target CudaHeaders::cuda, variables
# CudaHeaders_VERSION and CudaHeaders_LIBRARY_DIR. Nothing is linked: the
# libraries are opened at run time. (FindCUDAToolkit insists on nvcc.)

find_path(
  CudaHeaders_INCLUDE_DIR cuda.h
  HINTS ENV CUDA_PATH ENV CUDA_HOME "${CUDAToolkit_ROOT}"
  PATHS /usr/local/cuda
  PATH_SUFFIXES include)
find_path(CudaHeaders_NVRTC_DIR nvrtc.h HINTS "${CudaHeaders_INCLUDE_DIR}")
find_path(CudaHeaders_CUBLAS_DIR cublasLt.h HINTS "${CudaHeaders_INCLUDE_DIR}")
find_path(CudaHeaders_CUDNN_DIR cudnn.h HINTS "${CudaHeaders_INCLUDE_DIR}")
mark_as_advanced(CudaHeaders_INCLUDE_DIR CudaHeaders_NVRTC_DIR
                 CudaHeaders_CUBLAS_DIR CudaHeaders_CUDNN_DIR)

if(EXISTS "${CudaHeaders_INCLUDE_DIR}/cuda.h")
  file(STRINGS "${CudaHeaders_INCLUDE_DIR}/cuda.h" cuda_line
       REGEX "^#define CUDA_VERSION [0-9]+")
  string(REGEX MATCH "[0-9]+" cuda_number "${cuda_line}")
  math(EXPR cuda_major "${cuda_number} / 1000")
  math(EXPR cuda_minor "${cuda_number} / 10 % 100")
  set(CudaHeaders_VERSION "${cuda_major}.${cuda_minor}")
  get_filename_component(cuda_root "${CudaHeaders_INCLUDE_DIR}" DIRECTORY)
  set(CudaHeaders_LIBRARY_DIR "${cuda_root}/lib64")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  CudaHeaders
  REQUIRED_VARS CudaHeaders_INCLUDE_DIR CudaHeaders_VERSION
                CudaHeaders_NVRTC_DIR
                CudaHeaders_CUBLAS_DIR CudaHeaders_CUDNN_DIR
  VERSION_VAR CudaHeaders_VERSION)

if(CudaHeaders_FOUND AND NOT TARGET CudaHeaders::cuda)
  add_library(CudaHeaders::cuda INTERFACE IMPORTED GLOBAL)
  set(cuda_folders
      "${CudaHeaders_INCLUDE_DIR}" "${CudaHeaders_NVRTC_DIR}"
      "${CudaHeaders_CUBLAS_DIR}" "${CudaHeaders_CUDNN_DIR}")
  list(REMOVE_DUPLICATES cuda_folders)
  set_target_properties(
    CudaHeaders::cuda PROPERTIES INTERFACE_INCLUDE_DIRECTORIES
                                 "${cuda_folders}")
endif()
