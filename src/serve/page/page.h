// The chat page: files that are part of the program, so that it works without a network and without a folder
// of its own.
#pragma once

#include <optional>
#include <string_view>

namespace nestor::serve {

struct PageFile {
  std::string_view content_type;
  std::string_view text;
};

/// The file at a path of the server ("/", "/page.css", ...), or nothing.
std::optional<PageFile> page_file(std::string_view path);

}  // namespace nestor::serve
