#include "comments_rule.h"

#include <regex>
#include <set>

namespace nestor::rules {
namespace {

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
  bool lack(const std::string& name) const {
    const bool ours = folders.contains(name.substr(0, name.find('/')));
    return ours && !ends.contains(name);
  }
  std::set<std::string> ends, folders;
};

}  // namespace

Violations comment_violations(const std::vector<std::string>& paths, const std::vector<File>& files) {
  static const std::regex file(R"([\w-]+(?:/[\w-]+)+\.(?:h|cpp)\b)");
  static const std::regex spec(
      R"(\bspec(ification)?\b('s)? *(\(|section|\d)|\bthe spec(ification)?\b(?! that))", std::regex::icase);
  const Names names(paths);
  Violations violations;
  for (const File& source : files) {
    if (!is_cpp(source.path)) continue;
    const auto lines = lines_of(source.text), code = lines_of(code_only(source.text));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string comment = comment_of(lines[i], code[i]);
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
