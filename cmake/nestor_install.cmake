# The rooms of src/ as other projects find them: find_package(nestor), then link nestor::nestor. Headers keep their paths
# below include/nestor, as in #include "assemble/open.h". `cmake --install FOLDER --component library` installs no more.
include(CMakePackageConfigHelpers)

get_property(rooms GLOBAL PROPERTY NESTOR_ROOMS)
list(TRANSFORM rooms PREPEND nestor_ OUTPUT_VARIABLE room_targets)
add_library(nestor_library INTERFACE)
set_target_properties(nestor_library PROPERTIES EXPORT_NAME nestor)
target_compile_features(nestor_library INTERFACE cxx_std_20)
target_link_libraries(nestor_library INTERFACE ${room_targets})
foreach(room ${rooms})
  set_target_properties(nestor_${room} PROPERTIES EXPORT_NAME ${room})
  install(DIRECTORY ${CMAKE_SOURCE_DIR}/src/${room} DESTINATION include/nestor COMPONENT library
    FILES_MATCHING PATTERN "*.h" PATTERN "kernels/cpu" EXCLUDE PATTERN "kernels/reference" EXCLUDE)
endforeach()

install(TARGETS ${room_targets} nestor_library EXPORT nestor-targets ARCHIVE DESTINATION lib/nestor COMPONENT library)
install(EXPORT nestor-targets NAMESPACE nestor:: DESTINATION lib/cmake/nestor COMPONENT library)
set(version_file ${CMAKE_CURRENT_BINARY_DIR}/nestor-config-version.cmake)
write_basic_package_version_file(${version_file} VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/nestor-config.cmake ${version_file}
  DESTINATION lib/cmake/nestor COMPONENT library)
