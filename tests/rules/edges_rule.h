// Which room may include which: the table in ARCHITECTURE.md against the #includes and the CMake files.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "source_text.h"

namespace nestor::rules {

/// Room -> rooms whose headers it may include. Its own are always allowed. "all of src" stands as "*".
using Edges = std::map<std::string, std::set<std::string>>;

/// Parses the table with the heading "| room | may include |". Empty if there is none.
Edges parse_edges(std::string_view architecture);

/// #include lines of src/ and apps/ that name no room, leave the tree or cross an edge that is not in the
/// table, and torch headers anywhere.
Violations include_violations(const Edges& edges, const std::vector<File>& files);

/// DEPS of nestor_room in src/*/CMakeLists.txt that are not in the table, and rooms that are not in it.
Violations cmake_violations(const Edges& edges, const std::vector<File>& files);

}  // namespace nestor::rules
