#include "corpus/sources.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"
#include "corpus/megatron.h"
#include "corpus/unpacking.h"

namespace nestor::corpus {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kEndings = {".txt", ".md", ".jsonl", ".ndjson"};

bool is_known(const fs::path& path) {
  const std::string name = without_packing(path.filename().string());
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return name.ends_with(ending); });
}

TextFormat format_of(const std::string& name, FormatChoice choice) {
  if (choice == FormatChoice::text) return TextFormat::text;
  if (choice == FormatChoice::jsonl) return TextFormat::jsonl;
  if (name == "-") return TextFormat::by_content;
  const std::string plain = without_packing(name);
  if (plain.ends_with(".json")) {
    fail(ErrorKind::usage,
         "{}: is it one JSON object a line (--format jsonl) or to be read as text (--format text)?", name);
  }
  return plain.ends_with(".jsonl") || plain.ends_with(".ndjson") ? TextFormat::jsonl : TextFormat::text;
}

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const bool regular = fs::is_regular_file(path, error);
  const std::uintmax_t size = regular ? fs::file_size(path, error) : 0;
  return error ? 0 : size;
}

// Every file of a folder and the folders in it, without hidden ones, sorted.
std::vector<fs::path> files_below(const std::string& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const bool hidden = it->path().filename().string().starts_with('.');
    std::error_code status;
    if (it->is_directory(status)) {
      if (hidden) it.disable_recursion_pending();
    } else if (!hidden && it->is_regular_file(status)) {
      found.push_back(it->path());
    }
  }
  if (error) fail(ErrorKind::io, "cannot read the folder {}: {}", folder, error.message());
  std::sort(found.begin(), found.end(),
            [](const fs::path& a, const fs::path& b) { return a.string() < b.string(); });
  return found;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> found;
  for (const fs::path& path : files_below(folder)) {
    if (is_known(path)) found.push_back(path.string());
  }
  if (found.empty()) {
    fail(ErrorKind::bad_input,
         "{}: no text in this folder (files that end in .txt, .md, .jsonl or .ndjson, or in these and .xz, "
         ".gz, "
         ".zst or .bz2)",
         folder);
  }
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
    } else if (const auto index = megatron_index(source); index && choice == FormatChoice::by_name) {
      files.push_back({index->string(), TextFormat::megatron, size_of(megatron_ids(*index))});
    } else if (fs::exists(source, error)) {
      files.push_back({source, format_of(source, choice), size_of(source)});
    } else {
      fail(ErrorKind::not_found, "{}: no such file or folder", source);
    }
  }
  return files;
}

std::vector<std::string> unread_files(std::span<const std::string> sources) {
  std::vector<std::string> unread;
  std::error_code error;
  for (const std::string& source : sources) {
    if (!fs::is_directory(source, error)) continue;
    for (const fs::path& path : files_below(source)) {
      if (!is_known(path)) unread.push_back(path.string());
    }
  }
  return unread;
}

}  // namespace nestor::corpus
