# Trains the CNN of examples/mnist.json for three epochs: at least 0.984 test
# accuracy (Keras: 0.986). Skipped where MNIST is not there.
if(SANITIZE)
  message("SKIPPED: takes too long under the sanitizers ${SANITIZE}")
  return()
endif()
set(data "$ENV{KERATIN_DATA}")
if(data STREQUAL "")
  set(data "${DATA}")
endif()
file(GLOB found "${data}/datasets/mnist/*" "${data}/mnist/*")
if(found STREQUAL "")
  message("SKIPPED: no datasets/mnist under ${data} (KERATIN_DATA)")
  return()
endif()
set(ENV{KERATIN_DATA} "${data}")
set(ENV{KERATIN_OFFLINE} 1)

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
execute_process(
  COMMAND "${KERATIN}" train "${CONFIG}" --set fit.epochs=3
  WORKING_DIRECTORY "${WORK}"
  OUTPUT_VARIABLE text
  COMMAND_ERROR_IS_FATAL ANY)
message("${text}")
if(NOT text MATCHES "\ntest:[^\n]* accuracy ([0-9.]+)")
  message(FATAL_ERROR "no test accuracy is printed")
endif()
if(CMAKE_MATCH_1 LESS 0.984)
  message(FATAL_ERROR "test accuracy ${CMAKE_MATCH_1} is below 0.984")
endif()
