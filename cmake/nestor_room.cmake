# One static library per room (a folder of src/). A room sees the headers of the rooms it names and no others: each
# room's include directory holds nothing but a link named after the room, so `#include "config/model_config.h"`
# resolves only where `config` is an allowed edge. tests/rules holds the edges against ARCHITECTURE.md.

add_library(nestor_flags INTERFACE)
target_compile_options(nestor_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual)
# GCC 12 reports overlapping copies in "text" + std::string (GCC bug 105651), where there are none.
target_compile_options(nestor_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
# Single files switch off warnings by GCC's names for them.
target_compile_options(nestor_flags INTERFACE $<$<CXX_COMPILER_ID:Clang>:-Wno-unknown-warning-option>)
if(NESTOR_WARNINGS_AS_ERRORS)
  target_compile_options(nestor_flags INTERFACE -Werror)
endif()
if(NESTOR_SANITIZE)
  target_compile_options(nestor_flags INTERFACE -fsanitize=${NESTOR_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(nestor_flags INTERFACE -fsanitize=${NESTOR_SANITIZE})
  # Instrumented code misleads GCC's analysis of what is initialized; the release build keeps the warning.
  target_compile_options(nestor_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(NESTOR_SANITIZE MATCHES "undefined")
    target_compile_options(nestor_flags INTERFACE -fno-sanitize-recover=undefined)
  endif()
endif()
if(NESTOR_FUZZ)
  target_compile_options(nestor_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Headers of libraries that most files read, compiled once: a third less time to build. Headers of ours are not among
# them, so the edges between rooms stay visible.
option(NESTOR_PCH "Precompile the headers of the libraries" ON)
if(NESTOR_PCH AND CMAKE_CXX_COMPILER_LAUNCHER MATCHES ccache AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # ccache has to see in the preprocessed text which precompiled header was used.
  target_compile_options(nestor_flags INTERFACE -fpch-preprocess)
endif()

# nestor_precompiled(NAME LIBS target... HEADERS <header>...): what nestor_reuse_precompiled refers to.
function(nestor_precompiled name)
  cmake_parse_arguments(ARG "" "" "LIBS;HEADERS" ${ARGN})
  set(source ${CMAKE_BINARY_DIR}/precompiled/${name}.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "")
  add_library(${name} OBJECT ${source})
  target_link_libraries(${name} PRIVATE nestor_flags ${ARG_LIBS})
  target_precompile_headers(${name} PRIVATE ${ARG_HEADERS})
endfunction()

set(nestor_library_headers <algorithm> <filesystem> <fmt/format.h> <fmt/ranges.h> <functional> <map> <memory>
  <nlohmann/json.hpp> <optional> <span> <string> <string_view> <vector>)
if(NESTOR_PCH)
  nestor_precompiled(nestor_pch LIBS fmt::fmt nlohmann_json::nlohmann_json HEADERS ${nestor_library_headers})
endif()

function(nestor_reuse_precompiled target from)
  if(TARGET ${from})
    target_precompile_headers(${target} REUSE_FROM ${from})
  endif()
endfunction()

option(NESTOR_UNITY "Compile a room's files a dozen at a time, to read headers once" OFF)

if(NESTOR_UNITY)
  # GCC takes the files of a unit for headers and misses that their types have one home.
  target_compile_options(nestor_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

# nestor_units(OUT file...): sources that include a dozen files of the current folder each, by paths that are the same in
# every checkout, so that a compiler cache knows them again.
function(nestor_units out)
  set(units)
  set(files)
  set(count 0)
  foreach(file ${ARGN})
    if(IS_ABSOLUTE ${file})  # made by the build
      list(APPEND files ${file})
      continue()
    endif()
    math(EXPR unit "${count} / 12")
    math(EXPR count "${count} + 1")
    file(RELATIVE_PATH path ${CMAKE_CURRENT_BINARY_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${file})
    string(APPEND text_${unit} "#include \"${path}\"\n")
    list(APPEND units ${unit})
  endforeach()
  list(REMOVE_DUPLICATES units)
  foreach(unit ${units})
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/unit_${unit}.cpp CONTENT "${text_${unit}}")
    list(APPEND files ${CMAKE_CURRENT_BINARY_DIR}/unit_${unit}.cpp)
  endforeach()
  set(${out} ${files} PARENT_SCOPE)
endfunction()

# nestor_room(NAME [OWN_PCH] SRCS file... DEPS room... LIBS target...)
#   OWN_PCH  the room says itself what is precompiled, if anything
#   DEPS  rooms whose headers this room may include (ARCHITECTURE.md, allowed edges)
#   LIBS  libraries from outside
function(nestor_room name)
  cmake_parse_arguments(ARG "OWN_PCH" "" "SRCS;DEPS;LIBS" ${ARGN})
  set(include_dir ${CMAKE_BINARY_DIR}/rooms/${name})
  file(MAKE_DIRECTORY ${include_dir})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${include_dir}/${name} SYMBOLIC)
  if(NESTOR_UNITY AND NOT ARG_OWN_PCH)
    nestor_units(ARG_SRCS ${ARG_SRCS})
  endif()
  add_library(nestor_${name} STATIC ${ARG_SRCS})
  target_include_directories(nestor_${name} PUBLIC $<BUILD_INTERFACE:${include_dir}> $<INSTALL_INTERFACE:include/nestor>)
  set_property(GLOBAL APPEND PROPERTY NESTOR_ROOMS ${name})
  target_link_libraries(nestor_${name} PRIVATE $<BUILD_INTERFACE:nestor_flags> PUBLIC fmt::fmt nlohmann_json::nlohmann_json ${ARG_LIBS})
  if(NOT ARG_OWN_PCH)
    nestor_reuse_precompiled(nestor_${name} nestor_pch)
  endif()
  # Headers of the named rooms only; what those rooms need comes along at link time.
  foreach(dep ${ARG_DEPS})
    target_include_directories(nestor_${name} PRIVATE ${CMAKE_BINARY_DIR}/rooms/${dep})
    target_link_libraries(nestor_${name} PRIVATE $<BUILD_INTERFACE:$<LINK_ONLY:nestor_${dep}>> $<INSTALL_INTERFACE:nestor::${dep}>)
  endforeach()
endfunction()

# nestor_program(NAME [OWN_PCH] SRCS file... DEPS room... LIBS target...): an executable with the same rule.
function(nestor_program name)
  cmake_parse_arguments(ARG "OWN_PCH" "" "SRCS;DEPS;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SRCS})
  target_link_libraries(${name} PRIVATE nestor_flags fmt::fmt nlohmann_json::nlohmann_json ${ARG_LIBS})
  if(NOT ARG_OWN_PCH)
    nestor_reuse_precompiled(${name} nestor_pch)
  endif()
  foreach(dep ${ARG_DEPS})
    target_include_directories(${name} PRIVATE ${CMAKE_BINARY_DIR}/rooms/${dep})
    target_link_libraries(${name} PRIVATE nestor_${dep})
  endforeach()
endfunction()

# What tests add to the library's work is small: compiling them quickly is worth more than running them fast.
set(nestor_test_options $<$<CONFIG:Release>:-O1>)

# nestor_test(ROOM [OWN_PCH] SRCS file... DEPS room... [LONG pattern]): one test binary per room, registered with CTest. Tests
# that match the pattern of GoogleTest take too long for every change and run with `ctest -C All` only.
function(nestor_test room)
  cmake_parse_arguments(ARG "OWN_PCH" "LONG" "SRCS;DEPS;LIBS" ${ARGN})
  nestor_program(${room}_test OWN_PCH SRCS ${ARG_SRCS} DEPS ${ARG_DEPS} LIBS GTest::gtest_main ${ARG_LIBS})
  if(NOT ARG_OWN_PCH)
    target_compile_options(${room}_test PRIVATE ${nestor_test_options})
    nestor_reuse_precompiled(${room}_test nestor_test_pch)
  endif()
  target_include_directories(${room}_test PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  set_target_properties(${room}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${room}_test PRIVATE test_paths)
  if(ARG_LONG)
    add_test(NAME ${room} COMMAND ${room}_test --gtest_filter=-${ARG_LONG})
    add_test(NAME ${room}-long COMMAND ${room}_test --gtest_filter=${ARG_LONG} CONFIGURATIONS All)
  else()
    add_test(NAME ${room} COMMAND ${room}_test)
  endif()
endfunction()
