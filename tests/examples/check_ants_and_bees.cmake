# Trains on ants and bees what PROGRAM is: the C++ example, or `keratin` with
# CONFIG. At least 0.83 validation accuracy with the head alone and 0.86 with
# the last blocks trained, too (Keras: examples/README.md); the example itself
# sees that nothing else of the network changed. Skipped where the pictures or
# the weights are not there.
if(SANITIZE)
  message("SKIPPED: takes too long under the sanitizers ${SANITIZE}")
  return()
endif()
set(data "$ENV{KERATIN_DATA}")
if(data STREQUAL "")
  set(data "${DATA}")
endif()
set(pictures "${data}/datasets/hymenoptera_data")
set(weights "${data}/weights/mobilenet_v1_0.25_224_imagenet_full.h5")
foreach(needed IN ITEMS "${pictures}" "${weights}")
  if(NOT EXISTS "${needed}")
    message("SKIPPED: no ${needed} (KERATIN_DATA)")
    return()
  endif()
endforeach()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
# One thread: beside other tests, two would wait for each other.
set(ENV{KERATIN_NUM_THREADS} 1)
if(CONFIG)
  set(folders data.image_dataset_from_directory)
  set(arguments
      train "${CONFIG}"
      --set "${folders}.directory=${pictures}/train"
      --set "${folders}.validation_directory=${pictures}/val"
      --set fit.validation_freq=6 # when the head is done, and at the end
      --set "model.layers.3.MobileNet.weights=${weights}")
else()
  set(arguments "${pictures}" "${weights}")
endif()
execute_process(
  COMMAND "${PROGRAM}" ${arguments}
  WORKING_DIRECTORY "${WORK}"
  OUTPUT_VARIABLE text
  ERROR_VARIABLE text
  COMMAND_ERROR_IS_FATAL ANY)
message("${text}")
if(NOT CONFIG)
  return() # the example compares by itself
endif()

function(expect value wanted)
  if(value LESS wanted)
    message(FATAL_ERROR "validation accuracy ${value} is below ${wanted}")
  endif()
endfunction()

# epoch,loss,accuracy,val_loss,val_accuracy: the epoch that ends the first phase.
file(STRINGS "${WORK}/ants_and_bees_history.csv" head REGEX "^5,")
if(NOT head MATCHES ",([0-9.]+)$")
  message(FATAL_ERROR "no accuracy of the head in '${head}'")
endif()
expect(${CMAKE_MATCH_1} 0.83)
# Averaged weights, which the history does not see.
if(NOT text MATCHES "\nvalidation:[^\n]* accuracy ([0-9.]+)")
  message(FATAL_ERROR "no validation accuracy is printed")
endif()
expect(${CMAKE_MATCH_1} 0.86)
