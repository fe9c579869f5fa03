# Installs the build into a fresh folder, then configures, builds and runs the
# consumer against it. The consumer is given none of our include paths.

cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${WORK}")
set(flags "")
if(SANITIZE)
  string(REPLACE ";" "," SANITIZE "${SANITIZE}")
  set(flags "-DCMAKE_CXX_FLAGS=-fsanitize=${SANITIZE}")
endif()
run(${CMAKE_COMMAND} --install "${BUILD}" --prefix "${WORK}/prefix")
run("${WORK}/prefix/bin/keratin" info)
run(
  ${CMAKE_COMMAND} -S "${CONSUMER}" -B "${WORK}/build" -G "${GENERATOR}"
  "-DCMAKE_CXX_COMPILER=${COMPILER}" "-DCMAKE_PREFIX_PATH=${WORK}/prefix"
  ${flags})
run(${CMAKE_COMMAND} --build "${WORK}/build")
run(${CMAKE_COMMAND} -E chdir "${WORK}" "${WORK}/build/consumer")
