# How everything of Keratin is compiled: two interface targets, linked
# privately, so that nothing leaks into a project that links the library.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib")
set(CMAKE_INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

find_program(KERATIN_CCACHE ccache)
mark_as_advanced(KERATIN_CCACHE)
if(KERATIN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${KERATIN_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${KERATIN_CCACHE}")
endif()

# Headers of the standard library and fmt that nearly every file includes are
# parsed once for each target with enough files to be worth it: half of the time
# that compiling takes is theirs. ccache does not get along with them.
#
# keratin_precompile_headers(target SOURCES a.cpp... [HEADERS <more>...])
function(keratin_precompile_headers target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS")
  list(LENGTH arg_SOURCES count)
  if(count LESS 4 OR KERATIN_CCACHE)
    return()
  endif()
  target_precompile_headers(
    ${target}
    PRIVATE <algorithm>
            <array>
            <cmath>
            <cstdint>
            <functional>
            <map>
            <memory>
            <optional>
            <set>
            <span>
            <string>
            <string_view>
            <utility>
            <variant>
            <vector>
            <fmt/core.h>
            ${arg_HEADERS})
endfunction()

add_library(keratin_options INTERFACE)
add_library(keratin::options ALIAS keratin_options)
# errno after sqrt() or log() is never read, and setting it blocks vectors.
target_compile_options(keratin_options INTERFACE -fno-math-errno)
# __FILE__ in messages reads from the root of the sources.
target_compile_options(
  keratin_options INTERFACE -fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)
target_compile_definitions(
  keratin_options INTERFACE $<$<BOOL:${KERATIN_DEV}>:KERATIN_DEV=1>)
if(KERATIN_SANITIZE)
  list(JOIN KERATIN_SANITIZE "," keratin_sanitizers)
  target_compile_options(
    keratin_options INTERFACE -fsanitize=${keratin_sanitizers}
                              -fno-omit-frame-pointer)
  target_link_options(
    keratin_options INTERFACE -fsanitize=${keratin_sanitizers})
  if("undefined" IN_LIST KERATIN_SANITIZE)
    target_compile_options(
      keratin_options INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()

add_library(keratin_warnings INTERFACE)
add_library(keratin::warnings ALIAS keratin_warnings)
target_compile_options(
  keratin_warnings
  INTERFACE -Wall
            -Wextra
            -Wshadow
            -Wpedantic
            -Wnon-virtual-dtor
            -Woverloaded-virtual
            -Wcast-align
            # {.activation = "relu"} leaves the other fields at their defaults
            -Wno-missing-field-initializers
            # GCC 12 sees overlaps in "text" + string that are not (PR 105651)
            $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
            # and its flow analysis errs on instrumented code, and inside the
            # standard library once that is precompiled
            $<$<CXX_COMPILER_ID:GNU>:-Wno-array-bounds>
            $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
            $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
            $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overread>
            $<$<BOOL:${KERATIN_WERROR}>:-Werror>)
