#include "serve/page/page.h"

#include "serve/page/page_files.h"  // made by cmake/embed.cmake

namespace nestor::serve {

std::optional<PageFile> page_file(std::string_view path) {
  if (path == "/") return PageFile{"text/html; charset=utf-8", page_files::index_html};
  if (path == "/page.css") return PageFile{"text/css; charset=utf-8", page_files::page_css};
  if (path == "/page.js") return PageFile{"text/javascript; charset=utf-8", page_files::page_js};
  if (path == "/conversation.js")
    return PageFile{"text/javascript; charset=utf-8", page_files::conversation_js};
  if (path == "/favicon.svg" || path == "/favicon.ico")
    return PageFile{"image/svg+xml", page_files::favicon_svg};
  return std::nullopt;
}

}  // namespace nestor::serve
