// Kinds of files by their first bytes, for messages that name what is not as asked for.
#pragma once

#include <string_view>

namespace nestor {

struct FileKind {
  enum class Content {
    binary,   // no text in any encoding
    pointer,  // text that stands for a file which was not downloaded
    page,     // text made for browsers
  };
  Content content{};
  std::string_view name;    // "a GGUF file"
  std::string_view advice;  // what to do instead
};

/// How many bytes are enough to know.
inline constexpr std::size_t kKindBytes = 512;

/// The kind of a file that begins so, or null for what may be text, JSON or safetensors.
const FileKind* file_kind(std::string_view head);

}  // namespace nestor
