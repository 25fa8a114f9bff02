#include "serve/http/exchange.h"

#include <algorithm>

namespace nestor::serve {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const Header& h : headers) {
    const bool same = std::equal(h.name.begin(), h.name.end(), name.begin(), name.end(),
                                 [](char a, char b) { return lower(a) == lower(b); });
    if (same) return h.value;
  }
  return std::nullopt;
}

}  // namespace nestor::serve
