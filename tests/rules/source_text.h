// The source tree as text, and C++ text without what a rule must not see.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace nestor::rules {

struct File {
  std::string path;  // relative to the repository, with '/'
  std::string text;
};

/// What a rule found wrong, one line each: "path: what".
using Violations = std::vector<std::string>;

/// The text files below the given folders of `root` (every folder if none is named), sorted by path. Build
/// trees, git's own folder, links and binary files are left out.
std::vector<File> read_tree(const std::filesystem::path& root, const std::vector<std::string>& folders = {});

/// Paths of all files and folders below the given folders, in the same form.
std::vector<std::string> list_tree(const std::filesystem::path& root,
                                   const std::vector<std::string>& folders);

std::vector<std::string> lines_of(std::string_view text);
bool is_cpp(std::string_view path);

/// C++ text with comments and the insides of string and character literals blanked; lines stay where they
/// are.
std::string code_only(std::string_view text);

/// The names in `#include "name"` lines (quotes), or in `#include <name>` lines (angles).
std::vector<std::string> quoted_includes(std::string_view text);
std::vector<std::string> angled_includes(std::string_view text);

/// A readable list for test failures.
std::string joined(const Violations& violations);

}  // namespace nestor::rules
