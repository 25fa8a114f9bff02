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
  target_link_directories(nestor_torch INTERFACE ${NESTOR_TORCH}/lib)
  target_link_libraries(nestor_torch INTERFACE torch_cpu c10)
  target_link_options(nestor_torch INTERFACE -Wl,-rpath,${NESTOR_TORCH}/lib)
  # The wheel's include folder has a fmt of its own, newer than the installed library: what sees it compiles it in.
  target_compile_definitions(nestor_torch INTERFACE FMT_HEADER_ONLY)
  set(NESTOR_TORCH_FOUND TRUE)
endif()
