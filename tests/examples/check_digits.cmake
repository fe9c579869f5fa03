# Trains, evaluates and predicts; the test accuracy is at least 0.975 and the
# saved model predicts what the trained one did.
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")

function(run)
  execute_process(
    COMMAND "${KERATIN}" ${ARGN}
    WORKING_DIRECTORY "${WORK}"
    OUTPUT_VARIABLE text
    COMMAND_ERROR_IS_FATAL ANY)
  message("${text}")
  set(text "${text}" PARENT_SCOPE)
endfunction()

run(train "${CONFIG}" --predictions trained.npy)
run(evaluate digits.keras --config "${CONFIG}")
if(NOT text MATCHES "accuracy: ([0-9.]+)")
  message(FATAL_ERROR "no accuracy is printed")
endif()
if(CMAKE_MATCH_1 LESS 0.975)
  message(FATAL_ERROR "test accuracy ${CMAKE_MATCH_1} is below 0.975")
endif()
run(predict digits.keras --data digits:test --output reloaded.npy --draw 2)
file(SHA256 "${WORK}/trained.npy" before)
file(SHA256 "${WORK}/reloaded.npy" after)
if(NOT before STREQUAL after)
  message(FATAL_ERROR "the reloaded model predicts differently")
endif()
