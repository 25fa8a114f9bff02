#include "text_rules.h"

#include <algorithm>
#include <regex>
#include <set>

namespace nestor::rules {
namespace {

constexpr std::size_t kMaxLines = 400;

bool has_folder(const std::string& path, const std::set<std::string>& names) {
  std::size_t from = 0;
  for (std::size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', from)) {
    if (names.contains(path.substr(from, slash - from))) return true;
    from = slash + 1;
  }
  return false;
}

bool is_source(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  if (name == "CMakeLists.txt" || name.find('.') == std::string::npos) return true;
  static const std::set<std::string> extensions = {".cpp", ".h", ".cmake", ".py", ".sh", ".md"};
  return extensions.contains(name.substr(name.rfind('.')));
}

// One violation for each line of code that the pattern matches.
void find_in_code(const File& file, const std::regex& pattern, const std::string& what, Violations& out) {
  const std::vector<std::string> lines = lines_of(code_only(file.text));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::smatch match;
    if (std::regex_search(lines[i], match, pattern)) {
      out.push_back(file.path + ":" + std::to_string(i + 1) + ": " + what + " (" + match.str(1) + ")");
    }
  }
}

}  // namespace

Violations length_violations(const std::vector<File>& files) {
  Violations violations;
  for (const File& file : files) {
    if (!is_source(file.path) || has_folder(file.path, {"data", "golden", "corpus"})) continue;
    const std::size_t lines = lines_of(file.text).size();
    if (lines > kMaxLines) violations.push_back(file.path + ": " + std::to_string(lines) + " lines");
  }
  return violations;
}

Violations name_violations(const std::vector<std::string>& paths) {
  static const std::regex empty_name("^(utils?|common|misc|helpers?)(\\..*)?$");
  Violations violations;
  for (const std::string& path : paths) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (std::regex_match(name, empty_name)) violations.push_back(path + ": a name that says nothing");
  }
  return violations;
}

namespace {

// The rooms, the trainer among them.
bool is_of_the_library(const std::string& path) {
  return path.starts_with("src/") || path.starts_with("train/");
}

}  // namespace

Violations environment_violations(const std::vector<File>& files) {
  static const std::regex access(R"(\b((?:secure_)?getenv|setenv|putenv|unsetenv|environ)\b)");
  Violations violations, in_apps;
  std::set<std::string> readers;
  for (const File& file : files) {
    if (!is_cpp(file.path)) continue;
    if (is_of_the_library(file.path))
      find_in_code(file, access, "the library reads the environment", violations);
    if (!file.path.starts_with("apps/")) continue;
    const std::size_t before = in_apps.size();
    find_in_code(file, access, "the environment is read in more than one file", in_apps);
    if (in_apps.size() > before) readers.insert(file.path);
  }
  if (readers.size() > 1) violations.insert(violations.end(), in_apps.begin(), in_apps.end());
  return violations;
}

Violations manners_violations(const std::vector<File>& files) {
  static const std::regex call(
      R"(\b((?:std::)?(?:cout|cerr|clog)\b|(?:v?f?printf|fmt::print|puts|fputs|putchar|perror|abort|_?[eE]xit|)"
      R"(quick_exit|std::terminate)\s*\())");
  Violations violations;
  for (const File& file : files) {
    if (is_cpp(file.path) && is_of_the_library(file.path)) {
      find_in_code(file, call, "the library neither prints nor ends the program", violations);
    }
  }
  return violations;
}

Violations preprocessor_violations(const std::vector<File>& files) {
  static const std::regex conditional(R"(^\s*#\s*((?:if|ifdef|ifndef|elif)\b.*))");
  static const std::regex guard(R"(^\s*#\s*ifndef\s+(\w+)\s*\n\s*#\s*define\s+\1\s*\n)");
  Violations violations;
  for (File file : files) {
    const bool lowest = file.path.starts_with("src/base/") || file.path.starts_with("src/kernels/");
    if (!is_cpp(file.path) || lowest) continue;
    if (!file.path.starts_with("src/") && !file.path.starts_with("apps/")) continue;
    file.text =
        std::regex_replace(code_only(file.text), guard, "\n\n", std::regex_constants::format_first_only);
    find_in_code(file, conditional, "conditional compilation above base and kernels", violations);
  }
  return violations;
}

Violations forward_violations(const std::vector<File>& files) {
  static const std::regex call(R"((?:\.|->)\s*(forward)\s*\(\s*[^)\s])");  // a batch's own takes nothing
  static const std::set<std::string> direct = {"src/decode/batch.cpp", "src/measure/speed.cpp",
                                               "apps/nestor/logits_command.cpp"};
  Violations violations;
  for (const File& file : files) {
    const bool above = file.path.starts_with("src/") || file.path.starts_with("apps/");
    if (!is_cpp(file.path) || !above || direct.contains(file.path)) continue;
    find_in_code(file, call, "a forward pass that is no decode::Batch", violations);
  }
  return violations;
}

Violations machine_path_violations(const std::vector<File>& files) {
  // Written in two pieces, so that this file passes its own rule.
  static const std::vector<std::string> marks = {
      "/wo"
      "rk/",
      "/tm"
      "p/n-",
      "../sha"
      "red",
      "/ro"
      "ot/",
      "/ho"
      "me/"};
  Violations violations;
  for (const File& file : files) {
    const std::vector<std::string> lines = lines_of(file.text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      for (const std::string& mark : marks) {
        if (lines[i].find(mark) == std::string::npos) continue;
        violations.push_back(file.path + ":" + std::to_string(i + 1) + ": a path of one machine (" + mark +
                             ")");
      }
    }
  }
  return violations;
}

}  // namespace nestor::rules
