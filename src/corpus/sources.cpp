#include "corpus/sources.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"

namespace nestor::corpus {
namespace {

namespace fs = std::filesystem;

std::string without_xz(const std::string& name) {
  return name.ends_with(".xz") ? name.substr(0, name.size() - 3) : name;
}

bool is_known(const fs::path& path) {
  const std::string name = without_xz(path.filename().string());
  return !name.starts_with('.') &&
         (name.ends_with(".txt") || name.ends_with(".md") || name.ends_with(".jsonl"));
}

TextFormat format_of(const std::string& name, FormatChoice choice) {
  if (choice == FormatChoice::text) return TextFormat::text;
  if (choice == FormatChoice::jsonl) return TextFormat::jsonl;
  const std::string plain = without_xz(name);
  if (plain.ends_with(".json")) {
    fail(ErrorKind::usage,
         "{}: is it one JSON object a line (--format jsonl) or to be read as text (--format text)?", name);
  }
  return plain.ends_with(".jsonl") ? TextFormat::jsonl : TextFormat::text;
}

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const bool regular = fs::is_regular_file(path, error);
  const std::uintmax_t size = regular ? fs::file_size(path, error) : 0;
  return error ? 0 : size;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> found;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const bool hidden = it->path().filename().string().starts_with('.');
    std::error_code status;
    if (it->is_directory(status)) {
      if (hidden) it.disable_recursion_pending();
    } else if (is_known(it->path()) && it->is_regular_file(status)) {
      found.push_back(it->path().string());
    }
  }
  if (error) fail(ErrorKind::io, "cannot read the folder {}: {}", folder, error.message());
  if (found.empty()) {
    fail(ErrorKind::bad_input,
         "{}: no text in this folder (files that end in .txt, .md or .jsonl, or in these and .xz)", folder);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::vector<SourceFile> list_sources(std::span<const std::string> sources, FormatChoice choice) {
  std::vector<SourceFile> files;
  for (const std::string& source : sources) {
    std::error_code error;
    if (source == "-") {
      const bool again =
          std::any_of(files.begin(), files.end(), [](const SourceFile& file) { return file.name == "-"; });
      if (again) fail(ErrorKind::usage, "standard input (-) can be read only once");
      files.push_back({"-", format_of(source, choice), 0});
    } else if (fs::is_directory(source, error)) {
      for (const std::string& name : files_in(source)) {
        files.push_back({name, format_of(name, choice), size_of(name)});
      }
    } else if (fs::exists(source, error)) {
      files.push_back({source, format_of(source, choice), size_of(source)});
    } else {
      fail(ErrorKind::not_found, "{}: no such file or folder", source);
    }
  }
  return files;
}

}  // namespace nestor::corpus
