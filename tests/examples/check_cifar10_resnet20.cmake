# Unpacks 5,000 of CIFAR-10's JPEGs and trains examples/cifar10_resnet20.json on
# them for three epochs: at least 0.25 test accuracy (by chance: 0.1). The whole
# run asks for all pictures and twelve epochs. Skipped where they are not there.
if(SANITIZE)
  message("SKIPPED: takes too long under the sanitizers ${SANITIZE}")
  return()
endif()
set(data "$ENV{KERATIN_DATA}")
if(data STREQUAL "")
  set(data "${DATA}")
endif()
set(archive "${data}/datasets/cifar10/cifar10-images-jpg.tar.gz")
if(NOT EXISTS "${archive}")
  message("SKIPPED: no datasets/cifar10/cifar10-images-jpg.tar.gz under ${data} "
          "(KERATIN_DATA)")
  return()
endif()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
file(ARCHIVE_EXTRACT INPUT "${archive}" DESTINATION "${WORK}"
     PATTERNS "*/train/*/0[0-4]*.jpg" "*/test/*/00*.jpg")
file(GLOB_RECURSE train "${WORK}/cifar10-images/train/*.jpg")
list(LENGTH train pictures)
message("${pictures} pictures to learn from")
get_filename_component(folder "${CONFIG}" DIRECTORY)
file(COPY "${CONFIG}" "${folder}/resnet20.json" DESTINATION "${WORK}")
execute_process(
  COMMAND "${KERATIN}" train cifar10_resnet20.json --set fit.epochs=3
          --set compile.optimizer=adam
  WORKING_DIRECTORY "${WORK}"
  OUTPUT_VARIABLE text
  COMMAND_ERROR_IS_FATAL ANY)
message("${text}")
if(NOT text MATCHES "\ntest:[^\n]* accuracy ([0-9.]+)")
  message(FATAL_ERROR "no test accuracy is printed")
endif()
if(CMAKE_MATCH_1 LESS 0.25)
  message(FATAL_ERROR "test accuracy ${CMAKE_MATCH_1} is below 0.25")
endif()
