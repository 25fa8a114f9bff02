#include "docs_rule.h"

#include <regex>
#include <sstream>

namespace nestor::rules {
namespace fs = std::filesystem;
namespace {

// First parts by which a word in code is taken for a path of the repository.
const std::set<std::string>& top_folders() {
  static const std::set<std::string> names = {"src",    "apps",  "tests", "scripts", "docs", "cmake",
                                              "assets", "bench", "train", "study",   ".ci",  "examples"};
  return names;
}

// Words end where punctuation or a line number begins: `src/base/error.h:12`, `(docs/chat.md),`.
std::string stripped(std::string word) {
  static const std::regex line_number(R"(:\d+(-\d+)?$)");
  while (!word.empty() && std::string(".,;:()\"'").find(word.back()) != std::string::npos) word.pop_back();
  while (!word.empty() && std::string("(\"'").find(word.front()) != std::string::npos) word.erase(0, 1);
  word = std::regex_replace(word, line_number, "");
  if (word.starts_with("./")) word.erase(0, 2);
  return word;
}

// The part of a path before the first component that stands for something: `tests/fuzz/NAME.cpp`,
// `src/*/a.h`.
std::string fixed_part(const std::string& path) {
  static const std::regex placeholder(R"([*<>{}$?]|(^|[/_])[A-Z]+([_./-]|$))");
  std::string kept;
  std::istringstream parts(path);
  for (std::string part; std::getline(parts, part, '/');) {
    if (part != "README.md" && part != "CMakeLists.txt" && std::regex_search(part, placeholder)) break;
    kept += (kept.empty() ? "" : "/") + part;
  }
  return kept;
}

bool exists(const Inventory& inventory, const std::string& path) {
  return path.empty() || inventory.paths.contains(path);
}

bool names_missing_path(const Inventory& inventory, const std::string& word) {
  static const std::regex root_file(R"([A-Za-z]+\.md|CMake[A-Za-z]+\.(txt|json))");
  const std::size_t slash = word.find('/');
  if (slash == std::string::npos) {
    return std::regex_match(word, root_file) && !exists(inventory, word) &&
           !exists(inventory, "docs/" + word);
  }
  const std::string first = word.substr(0, slash);
  const std::string path = fixed_part(word);
  if (top_folders().contains(first)) return !exists(inventory, path);
  if (inventory.rooms.contains(first)) return !exists(inventory, "src/" + path);
  return false;
}

bool is_program(const std::string& word) { return word == "nestor" || word.ends_with("/bin/nestor"); }

void check_code(const Inventory& inventory, const File& document, const std::string& code, Violations& out) {
  static const std::regex command_name("[a-z][a-z0-9-]*");
  std::istringstream words(code);
  std::string previous;
  for (std::string raw; words >> raw; previous = raw) {
    const std::string word = stripped(raw);
    if (names_missing_path(inventory, word)) out.push_back(document.path + ": " + word + " does not exist");
    if (is_program(previous) && std::regex_match(word, command_name) && !inventory.commands.contains(word)) {
      out.push_back(document.path + ": there is no command \"nestor " + word + "\"");
    }
  }
}

void check_links(const Inventory& inventory, const File& document, const std::string& line, Violations& out) {
  static const std::regex link(R"(\]\(([^)\s]+)[^)]*\))");
  static const std::regex outside("^(https?:|mailto:|#)");
  for (auto at = std::sregex_iterator(line.begin(), line.end(), link); at != std::sregex_iterator(); ++at) {
    std::string target = (*at)[1];
    if (std::regex_search(target, outside)) continue;
    target = target.substr(0, target.find('#'));
    const fs::path folder = fs::path(document.path).parent_path();
    std::string path = (folder / target).lexically_normal().generic_string();
    if (path.ends_with("/")) path.pop_back();
    if (!exists(inventory, path)) out.push_back(document.path + ": the link to " + target + " leads nowhere");
  }
}

std::string without_code_spans(const std::string& line) {
  static const std::regex span("`[^`]*`");
  return std::regex_replace(line, span, "");
}

}  // namespace

std::set<std::string> commands_in(std::string_view source) {
  static const std::regex call(R"rx(add_subcommand\s*\(\s*"([a-z0-9-]+)")rx");
  const std::string text(source);
  std::set<std::string> names;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), call); at != std::sregex_iterator(); ++at) {
    names.insert((*at)[1]);
  }
  return names;
}

Inventory take_inventory(const std::string& source_dir) {
  static const std::regex room("src/[^/]+");
  static const std::regex command("apps/nestor/(.+)_command\\.cpp");
  Inventory inventory;
  for (const std::string& path : list_tree(source_dir, {})) {
    inventory.paths.insert(path);
    std::smatch match;
    if (std::regex_match(path, room) && fs::is_directory(fs::path(source_dir) / path)) {
      inventory.rooms.insert(path.substr(4));
    }
    if (std::regex_match(path, match, command)) inventory.commands.insert(match[1]);
  }
  for (const File& file : read_tree(source_dir, {"apps"})) inventory.commands.merge(commands_in(file.text));
  return inventory;
}

Violations docs_violations(const Inventory& inventory, const File& document) {
  static const std::regex span("`([^`]+)`");
  Violations violations;
  bool in_block = false;
  for (const std::string& line : lines_of(document.text)) {
    if (line.starts_with("```")) {
      in_block = !in_block;
    } else if (in_block) {
      check_code(inventory, document, line, violations);
    } else {
      for (auto at = std::sregex_iterator(line.begin(), line.end(), span); at != std::sregex_iterator();
           ++at) {
        check_code(inventory, document, (*at)[1], violations);
      }
      check_links(inventory, document, without_code_spans(line), violations);
    }
  }
  return violations;
}

}  // namespace nestor::rules
