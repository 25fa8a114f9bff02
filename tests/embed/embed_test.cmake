# Installs the library into a fresh folder, builds examples/ against it, and compares what the example writes with what
# the program writes of the same model, prompt, seed and settings.
set(scratch ${BUILD}/tests/embed/scratch)
set(model ${SOURCE}/assets/story)
set(prompt "Once upon a time there was")
file(REMOVE_RECURSE ${scratch})

function(run output)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${ARGN} failed (${result}):\n${out}\n${err}")
  endif()
  set(${output} "${out}" PARENT_SCOPE)
endfunction()

run(installed ${CMAKE_COMMAND} --install ${BUILD} --component library --prefix ${scratch}/prefix)
run(configured ${CMAKE_COMMAND} -S ${SOURCE}/examples -B ${scratch}/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
    "-DCMAKE_CXX_FLAGS=${FLAGS}" -DCMAKE_PREFIX_PATH=${scratch}/prefix)
run(built ${CMAKE_COMMAND} --build ${scratch}/build)
run(embedded ${scratch}/build/embed ${model} ${prompt})
run(expected ${NESTOR} run ${model} -p ${prompt} -n 60 --seed 7)
string(LENGTH "${expected}" length)
if(length LESS 100)
  message(FATAL_ERROR "nestor run wrote next to nothing: ${expected}")
endif()
if(NOT embedded STREQUAL expected)
  message(FATAL_ERROR "the example wrote\n${embedded}\nand nestor run\n${expected}")
endif()
