// Folders: lists their names and syncs them. The standard library's iterator ends the process where memory
// for a name is missing; this one throws.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace nestor {

/// The names in a folder, sorted; none where there is no such folder. Error(io) if it cannot be read.
std::vector<std::string> names_in(const std::filesystem::path& folder);

/// Makes the entries of a folder durable, where its file system can and the folder may be read. Error(io).
void sync_folder(const std::filesystem::path& folder);

}  // namespace nestor
