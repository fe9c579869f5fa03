# Where the cases are not there, the program skips and says so.
set(ENV{KERATIN_DATA} "/nowhere")
set(ENV{KERATIN_CONFORMANCE} "/nowhere")
foreach(arguments IN ITEMS "" "--models")
  execute_process(
    COMMAND "${PROGRAM}" ${arguments}
    RESULT_VARIABLE code
    OUTPUT_VARIABLE text)
  if(NOT code EQUAL 77 OR NOT text MATCHES "^SKIPPED: no conformance cases in /nowhere")
    message(FATAL_ERROR "'${arguments}': expected a skip (77), got ${code}: ${text}")
  endif()
endforeach()
