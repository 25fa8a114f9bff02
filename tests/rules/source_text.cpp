#include "source_text.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>

namespace nestor::rules {
namespace fs = std::filesystem;
namespace {

// In a worktree .git is a file.
bool is_skipped(const fs::directory_entry& entry) {
  const std::string name = entry.path().filename().string();
  return name == ".git" || (name == "build" && entry.is_directory());
}

template <typename Visit>
void walk(const fs::path& root, const std::vector<std::string>& folders, Visit visit) {
  std::vector<fs::path> starts;
  if (folders.empty()) starts.push_back(root);
  for (const std::string& folder : folders) {
    if (fs::is_directory(root / folder)) starts.push_back(root / folder);
  }
  for (const fs::path& start : starts) {
    for (auto at = fs::recursive_directory_iterator(start); at != fs::recursive_directory_iterator(); ++at) {
      if (is_skipped(*at)) {
        at.disable_recursion_pending();
      } else if (!at->is_symlink()) {
        visit(*at);
      }
    }
  }
}

std::string path_in(const fs::path& path, const fs::path& root) {
  return path.lexically_relative(root).generic_string();
}

std::vector<std::string> matches(std::string_view text, const char* pattern) {
  const std::regex include(pattern);
  std::vector<std::string> names;
  for (const std::string& line : lines_of(text)) {
    std::smatch match;
    if (std::regex_search(line, match, include)) names.push_back(match[1]);
  }
  return names;
}

// The end of a literal that starts at `at` with the given quote, one past the closing quote.
std::size_t literal_end(std::string_view text, std::size_t at, char quote) {
  for (++at; at < text.size() && text[at] != quote && text[at] != '\n'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

std::size_t raw_literal_end(std::string_view text, std::size_t quote) {
  const std::size_t open = text.find('(', quote);
  if (open == std::string_view::npos) return text.size();
  const std::string close = ")" + std::string(text.substr(quote + 1, open - quote - 1)) + "\"";
  const std::size_t end = text.find(close, open);
  return end == std::string_view::npos ? text.size() : end + close.size();
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

}  // namespace

std::vector<File> read_tree(const fs::path& root, const std::vector<std::string>& folders) {
  constexpr std::uintmax_t kMaxTextBytes = 4 << 20;
  std::vector<File> files;
  walk(root, folders, [&](const fs::directory_entry& entry) {
    if (!entry.is_regular_file() || entry.file_size() > kMaxTextBytes) return;
    std::ifstream stream(entry.path(), std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(stream)), std::istreambuf_iterator<char>());
    if (text.find('\0') == std::string::npos) files.push_back({path_in(entry.path(), root), std::move(text)});
  });
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.path < b.path; });
  return files;
}

std::vector<std::string> list_tree(const fs::path& root, const std::vector<std::string>& folders) {
  std::vector<std::string> paths;
  walk(root, folders,
       [&](const fs::directory_entry& entry) { paths.push_back(path_in(entry.path(), root)); });
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

bool is_cpp(std::string_view path) { return path.ends_with(".cpp") || path.ends_with(".h"); }

std::string code_only(std::string_view text) {
  std::string out(text);
  const auto blank = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to && i < out.size(); ++i) {
      if (out[i] != '\n') out[i] = ' ';
    }
  };
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = at + 1;
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("//")) {
      end = std::min(text.find('\n', at), text.size());
      blank(at, end);
    } else if (rest.starts_with("/*")) {
      const std::size_t close = text.find("*/", at + 2);
      end = close == std::string_view::npos ? text.size() : close + 2;
      blank(at, end);
    } else if (rest.starts_with("R\"") && (at == 0 || !is_word(text[at - 1]))) {
      end = raw_literal_end(text, at + 1);
      blank(at + 2, end - 1);
    } else if (rest.front() == '"' || (rest.front() == '\'' && (at == 0 || !is_word(text[at - 1])))) {
      end = literal_end(text, at, rest.front());
      blank(at + 1, end - 1);
    }
    at = end;
  }
  return out;
}

std::vector<std::string> quoted_includes(std::string_view text) {
  return matches(text, R"(^\s*#\s*include\s*"([^"]*)\")");
}

std::vector<std::string> angled_includes(std::string_view text) {
  return matches(text, R"(^\s*#\s*include\s*<([^>]*)>)");
}

std::string joined(const Violations& violations) {
  std::string text;
  for (const std::string& violation : violations) text += "\n  " + violation;
  return text;
}

}  // namespace nestor::rules
