# The parts of the library, one static target per folder.

# Adds each folder that has a CMakeLists.txt.
function(keratin_add_folders)
  foreach(folder IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${folder}/CMakeLists.txt")
      add_subdirectory(${folder})
    endif()
  endforeach()
endfunction()

# The targets of a list that exist, looked up when everything is known. With
# KERATIN_WERROR all of them, so that a missing one is an error.
function(keratin_existing result)
  if(NOT KERATIN_WERROR)
    list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_NAME_IF_EXISTS:\\1>")
  endif()
  set(${result} "${ARGN}" PARENT_SCOPE)
endfunction()

# The sources of a list that are there; warns of the others and looks again at
# the next build. With KERATIN_WERROR a missing one is an error.
function(keratin_present result)
  set(present "")
  foreach(source IN LISTS ARGN)
    if(EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
      list(APPEND present "${source}")
    elseif(KERATIN_WERROR)
      message(FATAL_ERROR "${CMAKE_CURRENT_SOURCE_DIR}/${source} is missing")
    else()
      message(WARNING "${CMAKE_CURRENT_SOURCE_DIR}/${source} is missing")
      set_property(
        DIRECTORY APPEND
        PROPERTY CMAKE_CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${source}")
    endif()
  endforeach()
  set(${result} "${present}" PARENT_SCOPE)
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
  keratin_existing(deps ${arg_DEPS})
  keratin_present(sources ${arg_SOURCES})
  if(NOT sources)
    return()
  endif()
  add_library(keratin_${name} STATIC ${sources})
  add_library(keratin::${name} ALIAS keratin_${name})
  target_include_directories(
    keratin_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include"
                           "${PROJECT_SOURCE_DIR}")
  target_link_libraries(
    keratin_${name}
    PUBLIC ${deps}
    PRIVATE ${arg_PRIVATE_DEPS} keratin::options keratin::warnings)
  if(arg_KERNELS)
    target_compile_options(keratin_${name} PRIVATE -O3)
  endif()
  set_property(GLOBAL APPEND PROPERTY KERATIN_MODULES keratin_${name})
endfunction()
