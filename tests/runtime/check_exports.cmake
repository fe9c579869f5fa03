# cmake -DNM=nm -DLIBRARY=libkeratin.so -P check_exports.cmake
#
# libkeratin exports its public names and those that plug-ins use, and nothing
# of what is inside it.
execute_process(
  COMMAND "${NM}" -D --defined-only --format=posix "${LIBRARY}"
  OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
set(bad)
set(count 0)
foreach(line IN LISTS symbols)
  string(REGEX REPLACE " .*" "" name "${line}")
  math(EXPR count "${count} + 1")
  if(NOT name MATCHES "^_Z(NK?|T[ISVT]N|T[hv].*N.?|GVNK?)7keratin")
    list(APPEND bad "${name}")
  elseif(name MATCHES "7keratin(9reference|4host|3cpu|4cuda|3cli)")
    list(APPEND bad "${name}")  # what is inside
  endif()
endforeach()
if(count LESS 100)
  message(FATAL_ERROR "${LIBRARY} exports only ${count} names")
endif()
if(bad)
  list(LENGTH bad how_many)
  list(SUBLIST bad 0 20 bad)
  list(JOIN bad "\n  " text)
  message(FATAL_ERROR "${how_many} names should be hidden, e.g.\n  ${text}")
endif()
message(STATUS "${count} names, all of them keratin's")
