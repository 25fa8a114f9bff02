# libtorch without the weight: the C++ part of PyPI's `torch` wheel, CPU libraries only. TorchConfig.cmake would pull in
# all of CUDA, so the headers and two libraries are named here. Defines the target nestor_torch, or leaves
# NESTOR_TORCH_FOUND false.
#   NESTOR_TORCH  the `torch` folder of the wheel (holds include/ and lib/)
set(NESTOR_TORCH "" CACHE PATH "The torch folder of a PyPI torch wheel, for the trainer")
set(NESTOR_TORCH_FOUND FALSE)
if(NESTOR_TORCH AND EXISTS ${NESTOR_TORCH}/include/torch/csrc/api/include/torch/torch.h
   AND EXISTS ${NESTOR_TORCH}/lib/libtorch_cpu.so)
  add_library(nestor_torch INTERFACE)
  target_include_directories(nestor_torch SYSTEM INTERFACE
    ${NESTOR_TORCH}/include ${NESTOR_TORCH}/include/torch/csrc/api/include)
  # By their paths, so that programs of the build find them there and installed ones look elsewhere.
  target_link_libraries(nestor_torch INTERFACE ${NESTOR_TORCH}/lib/libtorch_cpu.so ${NESTOR_TORCH}/lib/libc10.so)
  # The wheel's include folder has a fmt of its own, newer than the installed library: what sees it compiles it in.
  target_compile_definitions(nestor_torch INTERFACE FMT_HEADER_ONLY)
  set(NESTOR_TORCH_FOUND TRUE)
endif()

# nestor_install_torch(PROGRAM): what an installed program needs of the wheel, in the layout that the libraries expect of
# each other, and where the program finds it.
function(nestor_install_torch program)
  set_target_properties(${program} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/nestor/torch/lib")
  file(GLOB libraries ${NESTOR_TORCH}/lib/libtorch_cpu.so ${NESTOR_TORCH}/lib/libc10.so ${NESTOR_TORCH}/lib/libgomp*)
  install(FILES ${libraries} DESTINATION lib/nestor/torch/lib)
  file(GLOB cuda RELATIVE ${NESTOR_TORCH}/.. ${NESTOR_TORCH}/../nvidia/*/lib/libcudart.so.* ${NESTOR_TORCH}/../nvidia/*/lib/libcupti.so.*)
  foreach(library ${cuda})
    get_filename_component(folder ${library} DIRECTORY)
    install(FILES ${NESTOR_TORCH}/../${library} DESTINATION lib/nestor/${folder})
  endforeach()
endfunction()
