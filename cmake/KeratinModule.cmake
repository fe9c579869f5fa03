# The parts of the library, one static target per folder.

function(keratin_add_folders)
  foreach(folder IN LISTS ARGN)
    add_subdirectory(${folder})
  endforeach()
endfunction()

# keratin_add_module(name SOURCES a.cpp... [DEPS target...]
#                    [PRIVATE_DEPS target...] [KERNELS])
#
# Defines the static library keratin_<name>, alias keratin::<name>, and makes it
# a part of the shared library. DEPS are seen by whoever links the module;
# PRIVATE_DEPS (third-party libraries as a rule) are not. KERNELS compiles with
# -O3 in every build: at -O2 GCC 12 leaves simple loops unvectorised.
function(keratin_add_module name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "KERNELS" "" "SOURCES;DEPS;PRIVATE_DEPS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "keratin_add_module(${name}): unknown arguments "
                        "${arg_UNPARSED_ARGUMENTS}")
  endif()
  add_library(keratin_${name} STATIC ${arg_SOURCES})
  add_library(keratin::${name} ALIAS keratin_${name})
  target_include_directories(
    keratin_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include"
                           "${PROJECT_SOURCE_DIR}")
  target_link_libraries(
    keratin_${name}
    PUBLIC ${arg_DEPS}
    PRIVATE ${arg_PRIVATE_DEPS} keratin::options keratin::warnings)
  if(arg_KERNELS)
    target_compile_options(keratin_${name} PRIVATE -O3)
  endif()
  keratin_precompile_headers(keratin_${name} SOURCES ${arg_SOURCES})
  set_property(GLOBAL APPEND PROPERTY KERATIN_MODULES keratin_${name})
endfunction()
