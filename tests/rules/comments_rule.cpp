#include "comments_rule.h"

#include <regex>
#include <set>

namespace nestor::rules {
namespace {

bool has_hash_comments(std::string_view path) {
  return path.ends_with(".py") || path.ends_with(".cmake") || path.ends_with("CMakeLists.txt") ||
         path.starts_with("scripts/") || path.starts_with(".ci/");
}

std::string hash_comment_of(const std::string& line) {
  const std::size_t at = line.starts_with("#") ? 0 : line.find(" #");
  return at == std::string::npos ? "" : line.substr(at);
}

// `code` is the line without comments and literals.
std::string comment_of(const std::string& line, const std::string& code) {
  for (std::size_t at = line.find("//"); at != std::string::npos; at = line.find("//", at + 1)) {
    if (code.find_first_not_of(' ', at) == std::string::npos) return line.substr(at);
  }
  return {};
}

// Every path by each of its ends: "src/base/file.h", "base/file.h", "file.h"; and every folder.
struct Names {
  explicit Names(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) {
      ends.insert(path);
      for (std::size_t slash = path.find('/'); slash != std::string::npos;
           slash = path.find('/', slash + 1)) {
        ends.insert(path.substr(slash + 1));
        const std::size_t before = path.rfind('/', slash - 1);
        const std::size_t begin = before == std::string::npos ? 0 : before + 1;
        folders.insert(path.substr(begin, slash - begin));
      }
    }
  }
  // A name without a folder is taken for ours, but for what stands for something (NAME_fuzz.cpp, vec_*.h).
  bool lack(const std::string& name) const {
    static const std::regex placeholder(R"(.*\*.*|([A-Z]+_|FILE\.|llama\.cpp$|[a-z](-[a-z])?\.).*)");
    const std::size_t slash = name.find('/');
    const bool ours = slash == std::string::npos || folders.contains(name.substr(0, slash));
    if (std::regex_match(name, placeholder)) return false;
    return ours && !ends.contains(name);
  }
  std::set<std::string> ends, folders;
};

}  // namespace

Violations comment_violations(const std::vector<std::string>& paths, const std::vector<File>& files) {
  static const std::regex file(R"([\w.*-]+(?:/[\w.*-]+)*\.(?:h|cpp|md|py)\b)");
  static const std::regex spec(
      R"(\bspec(ification)?\b('s)? *(\(|section|\d)|\bthe spec(ification)?\b(?! that))", std::regex::icase);
  const Names names(paths);
  Violations violations;
  for (const File& source : files) {
    const bool cpp = is_cpp(source.path);
    if (!cpp && !has_hash_comments(source.path)) continue;
    const auto lines = lines_of(source.text), code = cpp ? lines_of(code_only(source.text)) : lines;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string comment = cpp ? comment_of(lines[i], code[i]) : hash_comment_of(lines[i]);
      const std::string place = source.path + ":" + std::to_string(i + 1) + ": ";
      for (auto at = std::sregex_iterator(comment.begin(), comment.end(), file); at != std::sregex_iterator();
           ++at) {
        if (names.lack(at->str())) violations.push_back(place + at->str() + " does not exist");
      }
      if (std::regex_search(comment, spec)) violations.push_back(place + "cites a specification");
    }
  }
  return violations;
}

}  // namespace nestor::rules
