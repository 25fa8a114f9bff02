# Files as constants of a header. Run as a script:
#   cmake -DOUTPUT=header -DNAMESPACE=name -DFILES=a;b -P embed.cmake
# Each file becomes `inline constexpr std::string_view` with its name, dots as underscores.
# Bytes are written in hexadecimal, so that any file will do.
set(text "#pragma once\n\n#include <string_view>\n\nnamespace ${NAMESPACE} {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} identifier)
  file(READ ${file} content HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" escaped "${content}")
  # A literal of its own every 64 bytes keeps lines short.
  string(REPEAT "...." 64 piece)
  string(REGEX REPLACE "(${piece})" "\\1\"\n    \"" escaped "${escaped}")
  file(SIZE ${file} bytes)
  string(APPEND text "inline constexpr std::string_view ${identifier}(\n    \"${escaped}\",\n    ${bytes});\n")
endforeach()
get_filename_component(folder ${OUTPUT} DIRECTORY)
file(MAKE_DIRECTORY ${folder})
file(WRITE ${OUTPUT} "${text}}  // namespace ${NAMESPACE}\n")
