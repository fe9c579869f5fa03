# Tests. A test links either static modules (and sees internals) or the shared
# library (and sees what users see), never both: every global would exist twice.

# Outside data are read from these folders unless KERATIN_DATA or
# KERATIN_CONFORMANCE in the environment say otherwise.
set(KERATIN_TEST_DATA "${PROJECT_SOURCE_DIR}/../shared/data"
    CACHE PATH "Data sets that tests read when they are there")
set(KERATIN_TEST_CONFORMANCE "${PROJECT_SOURCE_DIR}/../shared/keras/conformance"
    CACHE PATH "Conformance cases that tests read when they are there")

function(keratin_test_executable target sources deps)
  add_executable(${target} ${sources})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(
    ${target} PRIVATE ${deps} keratin_test_main keratin::options
                      keratin::warnings)
  keratin_precompile_headers(
    ${target} SOURCES ${sources} HEADERS <doctest/doctest.h>)
endfunction()

function(keratin_register_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "COMMAND;LABELS")
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  # What tests time side by side is not kept for the user's programs.
  set_tests_properties(
    ${name}
    PROPERTIES SKIP_RETURN_CODE 77
               LABELS "${arg_LABELS}"
               ENVIRONMENT "KERATIN_CACHE=${CMAKE_BINARY_DIR}/test-cache")
endfunction()

# keratin_add_test(NAME name SOURCES a_test.cpp... DEPS target... [LABELS l...])
#
# One doctest executable test_<name> and one CTest entry <name>.
function(keratin_add_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME" "SOURCES;DEPS;LABELS")
  keratin_test_executable(test_${arg_NAME} "${arg_SOURCES}" "${arg_DEPS}")
  keratin_register_test(
    ${arg_NAME} COMMAND test_${arg_NAME} LABELS ${arg_LABELS})
endfunction()

# keratin_add_test_suite(name SOURCES a_test.cpp b_test.cpp DEPS target...
#                        [SUPPORT c.cpp...] [LABELS l...])
#
# One doctest executable test_<name> and one CTest entry <name>.<file> for each
# source, without its "_test". SUPPORT sources are compiled in but hold no case.
function(keratin_add_test_suite name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;SUPPORT;DEPS;LABELS")
  keratin_test_executable(
    test_${name} "${arg_SOURCES};${arg_SUPPORT}" "${arg_DEPS}")
  foreach(source IN LISTS arg_SOURCES)
    get_filename_component(stem "${source}" NAME_WE)
    string(REGEX REPLACE "_test$" "" stem "${stem}")
    keratin_register_test(
      ${name}.${stem}
      COMMAND test_${name} --source-file=*/${source}
      LABELS ${arg_LABELS})
  endforeach()
endfunction()
