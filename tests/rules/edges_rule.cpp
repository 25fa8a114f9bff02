#include "edges_rule.h"

#include <algorithm>
#include <regex>
#include <sstream>

namespace nestor::rules {
namespace {

std::string trimmed(const std::string& text) {
  const std::size_t from = text.find_first_not_of(" `");
  if (from == std::string::npos) return "";
  return text.substr(from, text.find_last_not_of(" `") - from + 1);
}

// "src/config/x.h" -> "config", "apps/nestor/x.cpp" -> "apps", "train/ops/x.h" -> "train"; "" for anything
// else.
std::string room_of(const std::string& path) {
  if (path.starts_with("apps/")) return "apps";
  if (path.starts_with("train/")) return "train";
  if (!path.starts_with("src/")) return "";
  const std::size_t end = path.find('/', 4);
  return end == std::string::npos ? "" : path.substr(4, end - 4);
}

bool allows(const Edges& edges, const std::string& room, const std::string& target) {
  if (room == target) return true;
  const auto row = edges.find(room);
  return row != edges.end() && (row->second.contains("*") || row->second.contains(target));
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

bool exists(const std::vector<File>& files, const std::string& path) {
  return std::any_of(files.begin(), files.end(), [&](const File& file) { return file.path == path; });
}

// A program's own headers lie beside its sources, those of another program in its folder; they need no room.
bool is_of_a_program(const std::vector<File>& files, const File& from, const std::string& name) {
  return exists(files, folder_of(from.path) + name) || exists(files, "apps/" + name);
}

std::string include_problem(const Edges& edges, const std::vector<File>& files, const File& file,
                            const std::string& name) {
  const std::string room = room_of(file.path);
  if (name.find("..") != std::string::npos) return "leaves its folder";
  if (room == "apps" && is_of_a_program(files, file, name)) return "";
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos) return "names no room";
  const std::string target = name.substr(0, slash);
  if (target != room && !edges.contains(target)) return "is not the header of a room";
  if (!allows(edges, room, target)) return "is not an allowed edge of room " + room;
  if (file.path.starts_with("src/kernels/cpu/") && name.starts_with("kernels/reference/"))
    return "crosses cpu/ and reference/";
  if (file.path.starts_with("src/kernels/reference/") && name.starts_with("kernels/cpu/"))
    return "crosses reference/ and cpu/";
  return "";
}

// Whose business libtorch is: the trainer, its tests, and what compares it with others.
bool may_see_torch(const std::string& path) {
  return path.starts_with("train/") || path.starts_with("tests/train/") || path.starts_with("bench/");
}

bool is_torch(const std::string& name) {
  static const std::regex torch("^(torch|ATen|c10|caffe2)/");
  return std::regex_search(name, torch);
}

}  // namespace

Edges parse_edges(std::string_view architecture) {
  static const std::regex row(R"(^\|([^|]*)\|([^|]*)\|\s*$)");
  static const std::regex head(R"(^\|\s*room\s*\|\s*may include\s*\|\s*$)");
  Edges edges;
  bool inside = false;
  for (const std::string& line : lines_of(architecture)) {
    std::smatch match;
    if (std::regex_match(line, head)) {
      inside = true;
    } else if (!inside || !std::regex_match(line, match, row)) {
      inside = false;
    } else if (const std::string room = trimmed(match[1]); room.find("--") == std::string::npos) {
      std::set<std::string>& targets = edges[room];
      std::istringstream list(match[2]);
      for (std::string target; std::getline(list, target, ',');) {
        target = trimmed(target);
        if (target == "all of src") target = "*";
        if (target != "nothing of ours") targets.insert(target);
      }
    }
  }
  return edges;
}

Violations include_violations(const Edges& edges, const std::vector<File>& files) {
  Violations violations;
  for (const File& file : files) {
    if (!is_cpp(file.path)) continue;
    for (const auto& names : {quoted_includes(file.text), angled_includes(file.text)}) {
      for (const std::string& name : names) {
        if (is_torch(name) && !may_see_torch(file.path))
          violations.push_back(file.path + ": includes the torch header " + name);
      }
    }
    if (room_of(file.path).empty()) continue;
    for (const std::string& name : quoted_includes(file.text)) {
      const std::string problem = include_problem(edges, files, file, name);
      if (!problem.empty()) violations.push_back(file.path + ": #include \"" + name + "\" " + problem);
    }
  }
  return violations;
}

Violations cmake_violations(const Edges& edges, const std::vector<File>& files) {
  static const std::regex comment("#[^\n]*");
  static const std::regex call(R"(nestor_room\s*\(\s*([^)]*)\))");
  Violations violations;
  for (const File& file : files) {
    const std::string folder = room_of(file.path);
    if (folder.empty() || folder == "apps") continue;
    if (!edges.contains(folder))
      violations.push_back(file.path + ": room " + folder + " has no row in the table");
    if (!file.path.ends_with("/CMakeLists.txt")) continue;
    const std::string text = std::regex_replace(file.text, comment, "");
    for (auto at = std::sregex_iterator(text.begin(), text.end(), call); at != std::sregex_iterator(); ++at) {
      std::istringstream words((*at)[1]);
      std::string room, keyword;
      words >> room;
      if (room != folder) violations.push_back(file.path + ": declares room " + room);
      for (std::string word; words >> word;) {
        if (word == "SRCS" || word == "DEPS" || word == "LIBS") {
          keyword = word;
        } else if (keyword == "DEPS" && !allows(edges, room, word)) {
          violations.push_back(file.path + ": DEPS " + word + " is not an allowed edge of room " + room);
        }
      }
    }
  }
  std::sort(violations.begin(), violations.end());
  violations.erase(std::unique(violations.begin(), violations.end()), violations.end());
  return violations;
}

}  // namespace nestor::rules
