# Finds cuDNN's header-only C++ front end: target CudnnFrontend::cudnn_frontend,
# variable CudnnFrontend_VERSION.
#
# scripts/fetch_cudnn_frontend.sh puts its headers into
# build-deps/cudnn_frontend; any other place goes into CudnnFrontend_ROOT.

find_path(
  CudnnFrontend_INCLUDE_DIR cudnn_frontend.h
  HINTS "${PROJECT_SOURCE_DIR}/build-deps/cudnn_frontend/include")
mark_as_advanced(CudnnFrontend_INCLUDE_DIR)

if(EXISTS "${CudnnFrontend_INCLUDE_DIR}/cudnn_frontend_version.h")
  file(
    STRINGS "${CudnnFrontend_INCLUDE_DIR}/cudnn_frontend_version.h"
    cudnn_frontend_lines
    REGEX "#define CUDNN_FRONTEND_(MAJOR|MINOR|PATCH)_VERSION +[0-9]+")
  string(REGEX MATCHALL "[0-9]+" cudnn_frontend_numbers
               "${cudnn_frontend_lines}")
  list(JOIN cudnn_frontend_numbers "." CudnnFrontend_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  CudnnFrontend
  REQUIRED_VARS CudnnFrontend_INCLUDE_DIR CudnnFrontend_VERSION
  VERSION_VAR CudnnFrontend_VERSION
  REASON_FAILURE_MESSAGE
    "run scripts/fetch_cudnn_frontend.sh, or set CudnnFrontend_ROOT")

if(CudnnFrontend_FOUND AND NOT TARGET CudnnFrontend::cudnn_frontend)
  add_library(CudnnFrontend::cudnn_frontend INTERFACE IMPORTED)
  set_target_properties(
    CudnnFrontend::cudnn_frontend
    PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES
               "${CudnnFrontend_INCLUDE_DIR}"
               INTERFACE_INCLUDE_DIRECTORIES "${CudnnFrontend_INCLUDE_DIR}")
endif()
