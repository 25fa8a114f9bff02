#include "docs_rule.h"

#include <algorithm>
#include <cctype>
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

// Options behind "nestor COMMAND", as far as a pipe or the like.
void check_options(const Inventory& inventory, const File& document, const std::string& code,
                   Violations& out) {
  static const std::regex option("--?[A-Za-z][A-Za-z-]*"), end(R"([|;<>&]+|2>.*|#.*)");
  static const std::set<std::string> everywhere = {"-h", "--help"};
  std::istringstream words(code);
  std::string word, command;
  while (words >> word && !is_program(stripped(word))) {
  }
  words >> command;
  const auto known = inventory.options.find(command), common = inventory.options.find("");
  while (known != inventory.options.end() && words >> word && !std::regex_match(word, end)) {
    const std::string name = stripped(word.substr(0, word.find('=')));
    if (std::regex_match(name, option) && !everywhere.contains(name) && !known->second.contains(name) &&
        !common->second.contains(name)) {
      out.push_back(document.path + ": nestor " + command + " has no option " + name);
    }
  }
}

// Where a link leads: the path of a file, and behind # a heading of it.
struct Target {
  std::string path, anchor;
};

std::string fault_of(const Inventory& inventory, const Target& target) {
  if (!exists(inventory, target.path)) return " leads nowhere";
  const auto document = inventory.anchors.find(target.path);
  const bool missing = !target.anchor.empty() && document != inventory.anchors.end() &&
                       !document->second.contains(target.anchor);
  return missing ? " leads to no heading" : "";
}

Target target_of(const std::string& link, const std::string& document) {
  const std::size_t hash = std::min(link.find('#'), link.size());
  const std::string path = link.substr(0, hash), anchor = hash < link.size() ? link.substr(hash + 1) : "";
  if (path.empty()) return {document, anchor};
  std::string full = (fs::path(document).parent_path() / path).lexically_normal().generic_string();
  if (full.ends_with("/")) full.pop_back();
  return {full, anchor};
}

void check_links(const Inventory& inventory, const File& document, const std::string& line, Violations& out) {
  static const std::regex link(R"(\]\(([^)\s]+)[^)]*\))"), outside("^(https?:|mailto:)");
  for (auto at = std::sregex_iterator(line.begin(), line.end(), link); at != std::sregex_iterator(); ++at) {
    const std::string name = (*at)[1];
    if (std::regex_search(name, outside)) continue;
    const std::string fault = fault_of(inventory, target_of(name, document.path));
    if (!fault.empty()) out.push_back(document.path + ": the link to " + name + fault);
  }
}

// Lines of a document, with whether they are in a code block.
template <typename Visit>
void for_each_line(std::string_view document, Visit visit) {
  bool in_block = false;
  for (const std::string& line : lines_of(document)) {
    if (line.starts_with("```")) {
      in_block = !in_block;
    } else {
      visit(line, in_block);
    }
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
  for (const File& file : read_tree(source_dir)) {
    if (!file.path.ends_with(".md")) continue;
    inventory.anchors[file.path] = anchors_in(file.text);
    const std::string name = fs::path(file.path).stem().string(), of = name == "README" ? "" : name;
    const bool page = file.path == "docs/" + name + ".md";
    if (page && (of.empty() || inventory.commands.contains(of))) {
      inventory.options[of].merge(options_in(file.text));
    } else if (const std::size_t dash = of.find('-'); page && dash != std::string::npos) {
      const std::string group = of.substr(0, dash), inner = of.substr(dash + 1);  // "plan-fit" of "plan"
      if (inventory.commands.contains(group) && inventory.commands.contains(inner)) {
        inventory.options[group].merge(options_in(file.text));
      }
    }
  }
  return inventory;
}

std::set<std::string> options_in(std::string_view page) {
  static const std::regex row(R"(\| `([^`]+)` \|.*)"), option("--?[A-Za-z][A-Za-z-]*");
  std::set<std::string> options;
  for (const std::string& line : lines_of(page)) {
    std::smatch match;
    if (!std::regex_match(line, match, row)) continue;
    const std::string names = match[1];
    for (auto at = std::sregex_iterator(names.begin(), names.end(), option); at != std::sregex_iterator();
         ++at)
      options.insert(at->str());
  }
  return options;
}

std::set<std::string> anchors_in(std::string_view document) {
  static const std::regex heading("#+ +(.*)"), link(R"(\[([^\]]*)\]\([^)]*\))");
  std::set<std::string> anchors;
  for_each_line(document, [&](const std::string& line, bool in_block) {
    std::smatch match;
    if (in_block || !std::regex_match(line, match, heading)) return;
    std::string anchor;
    for (const char c : std::regex_replace(match[1].str(), link, "$1")) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == ' ') {
        anchor += '-';
      } else if (byte >= 0x80 || std::isalnum(byte) != 0 || c == '-' || c == '_') {
        anchor += static_cast<char>(std::tolower(byte));
      }
    }
    std::string name = anchor;
    for (int copy = 1; !anchors.insert(name).second; ++copy) name = anchor + "-" + std::to_string(copy);
  });
  return anchors;
}

Violations link_violations(const Inventory& inventory, const File& document) {
  Violations violations;
  for_each_line(document.text, [&](const std::string& line, bool in_block) {
    if (!in_block) check_links(inventory, document, without_code_spans(line), violations);
  });
  return violations;
}

Violations docs_violations(const Inventory& inventory, const File& document) {
  static const std::regex span("`([^`]+)`");
  Violations violations;
  for_each_line(document.text, [&](const std::string& line, bool in_block) {
    const auto check = [&](const std::string& code) {
      check_code(inventory, document, code, violations);
      check_options(inventory, document, code, violations);
    };
    if (in_block) return check(line);
    for (auto at = std::sregex_iterator(line.begin(), line.end(), span); at != std::sregex_iterator(); ++at)
      check((*at)[1]);
  });
  return violations;
}

Violations page_violations(const Inventory& inventory, const File& file) {
  static const std::regex page(R"(\bdocs/[\w./-]+\.md(#[\w-]+)?)");
  Violations violations;
  for (auto at = std::sregex_iterator(file.text.begin(), file.text.end(), page); at != std::sregex_iterator();
       ++at) {
    const std::string fault = fault_of(inventory, target_of(at->str(), ""));
    if (!fault.empty()) violations.push_back(file.path + ": " + at->str() + fault);
  }
  return violations;
}

}  // namespace nestor::rules
