// Which files the sources of a corpus are, and of what kind.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nestor::corpus {

enum class TextFormat {
  text,        // plain text
  jsonl,       // one JSON object a line
  by_content,  // jsonl if the first line is such an object with the text key, else text
  megatron,    // token ids: an .idx beside its .bin
};
/// How the format of a file is found: by its name (*.jsonl and *.ndjson, also packed; *.idx; standard input
/// by its content; else text), or told.
enum class FormatChoice { by_name, text, jsonl };

struct SourceFile {
  std::string name;  // a path, or "-" for standard input
  TextFormat format = TextFormat::text;
  std::uint64_t bytes = 0;  // of the file as it lies there; 0 where that is not known
};

/// A file is taken whatever its name; of a folder and the folders in it those that end in .txt, .md, .jsonl
/// or .ndjson, also followed by .xz, .gz, .zst or .bz2, sorted by path; names that begin with a dot are
/// passed over there. Megatron's shards are named by their .idx, .bin or what these have in common. Throws
/// Error: not_found, bad_input (a folder without such files), usage ("-" twice, a .json file without a told
/// format).
std::vector<SourceFile> list_sources(std::span<const std::string> sources, FormatChoice choice);

/// The files of folders among the sources that list_sources passes over because of their names, sorted; those
/// that begin with a dot are not meant to be seen.
std::vector<std::string> unread_files(std::span<const std::string> sources);

}  // namespace nestor::corpus
