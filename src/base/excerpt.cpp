#include "base/excerpt.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"

namespace nestor {
namespace {

constexpr std::size_t kMostBytes = 100;
constexpr std::size_t kMostNames = 10;

}  // namespace

std::string excerpt(const Json& value) {
  std::string text = to_text(value);
  if (text.size() <= kMostBytes) return text;
  text.resize(kMostBytes);
  text.resize(text.size() - unfinished_utf8_suffix(text));
  return text + "...";
}

std::string excerpt(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i) {
    text += (i == 0 ? "" : ", ") + in_quotes(names[i]);
  }
  if (names.size() > kMostNames) text += fmt::format(" and {} more", names.size() - kMostNames);
  return text;
}

}  // namespace nestor
