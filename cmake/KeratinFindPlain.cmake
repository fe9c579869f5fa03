# For find modules of libraries that are a header and a library file and no
# more: makes the target PACKAGE::TARGET. LIBRARY is empty for headers alone.

include(FindPackageHandleStandardArgs)

macro(keratin_find_plain package target header library)
  find_path(${package}_INCLUDE_DIR ${header})
  set(_keratin_wanted ${package}_INCLUDE_DIR)
  mark_as_advanced(${package}_INCLUDE_DIR)
  if(NOT "${library}" STREQUAL "")
    find_library(${package}_LIBRARY ${library})
    list(PREPEND _keratin_wanted ${package}_LIBRARY)
    mark_as_advanced(${package}_LIBRARY)
  endif()
  find_package_handle_standard_args(
    ${package} REQUIRED_VARS ${_keratin_wanted})
  if(${package}_FOUND AND NOT TARGET ${package}::${target})
    if("${library}" STREQUAL "")
      add_library(${package}::${target} INTERFACE IMPORTED)
    else()
      add_library(${package}::${target} UNKNOWN IMPORTED)
      set_target_properties(
        ${package}::${target}
        PROPERTIES IMPORTED_LOCATION "${${package}_LIBRARY}")
    endif()
    set_target_properties(
      ${package}::${target}
      PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${${package}_INCLUDE_DIR}")
  endif()
endmacro()
