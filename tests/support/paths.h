// Where tests find the repository, its data and what was built from it. One generated file knows the folders,
// so every checkout compiles the same text and a compiler cache serves them all.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace nestor::testing {

std::filesystem::path source_folder();
std::filesystem::path build_folder();
std::string project_version();

inline std::filesystem::path docs_folder() { return source_folder() / "docs"; }
inline std::filesystem::path test_data_folder() { return source_folder() / "tests/data"; }
inline std::filesystem::path story_folder() { return test_data_folder() / "golden/story"; }
inline std::string built_program(std::string_view name) { return (build_folder() / "bin" / name).string(); }

}  // namespace nestor::testing
