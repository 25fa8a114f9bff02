// Which files the sources of a corpus are, and of what kind.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nestor::corpus {

/// text: plain text. jsonl: one JSON object a line.
enum class TextFormat { text, jsonl };
/// How the format of a file is found: by its name (*.jsonl, with or without .xz, else text), or told.
enum class FormatChoice { by_name, text, jsonl };

struct SourceFile {
  std::string name;  // a path, or "-" for standard input
  TextFormat format = TextFormat::text;
  std::uint64_t bytes = 0;  // of the file as it lies there; 0 where that is not known
};

/// A file is taken whatever its name; of a folder and the folders in it those that end in .txt, .md or
/// .jsonl, also followed by .xz, sorted by path; names that begin with a dot are passed over there. Throws
/// Error: not_found, bad_input (a folder without such files), usage ("-" twice, a .json file without a told
/// format).
std::vector<SourceFile> list_sources(std::span<const std::string> sources, FormatChoice choice);

}  // namespace nestor::corpus
