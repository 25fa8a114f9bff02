#include "serve/http/exchange.h"

#include <algorithm>

namespace nestor::serve {

bool equal_without_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const Header& h : headers) {
    if (equal_without_case(h.name, name)) return h.value;
  }
  return std::nullopt;
}

}  // namespace nestor::serve
