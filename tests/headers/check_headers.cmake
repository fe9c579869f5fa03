# Fails when the list of public headers is not the folder's, or when one of them
# includes what is neither standard nor Keratin's own.

cmake_minimum_required(VERSION 3.25)

string(REPLACE "|" ";" listed "${HEADERS}")
file(GLOB_RECURSE found RELATIVE "${FOLDER}" "${FOLDER}/*.hpp")
set(problems "")
foreach(header IN LISTS found)
  if(NOT header IN_LIST listed)
    list(APPEND problems "${header} is not listed in tests/headers/CMakeLists.txt")
  endif()
  file(STRINGS "${FOLDER}/${header}" includes REGEX "^ *# *include")
  foreach(line IN LISTS includes)
    # A standard header has neither a folder nor an extension.
    if(NOT line MATCHES "#include <(keratin/[a-z0-9_/]+\\.hpp|[a-z_0-9]+)>")
      list(APPEND problems "${header}: ${line}")
    endif()
  endforeach()
endforeach()
foreach(header IN LISTS listed)
  if(NOT header IN_LIST found)
    list(APPEND problems "${header} is listed but missing")
  endif()
endforeach()
if(problems)
  list(JOIN problems "\n  " text)
  message(FATAL_ERROR "public headers:\n  ${text}")
endif()
