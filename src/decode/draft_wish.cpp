#include "decode/draft_wish.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/printable.h"

namespace nestor::decode {

namespace {

constexpr std::array kKinds = {DraftKind::lookup, DraftKind::block};

}  // namespace

std::string_view name_of(DraftKind kind) {
  switch (kind) {
    case DraftKind::lookup:
      return "lookup";
    case DraftKind::block:
      return "mtp";
  }
  return "";
}

DraftWish parse_draft_wish(std::string_view text) {
  if (text == "off") return {};
  if (text == "auto") return {.kinds = {DraftKind::lookup, DraftKind::block}};
  DraftWish wish{.only_if_it_pays = false};
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view name = text.substr(begin, end - begin);
    const auto kind = std::ranges::find(kKinds, name, name_of);
    if (kind == kKinds.end()) {
      fail(ErrorKind::usage, "no drafter is called '{}': expected off, auto, or mtp and lookup with commas",
           printable(name));
    }
    if (std::ranges::find(wish.kinds, *kind) == wish.kinds.end()) wish.kinds.push_back(*kind);
    begin = end + 1;
  }
  return wish;
}

std::string to_text(const DraftWish& wish) {
  std::string text;
  for (const DraftKind kind : wish.kinds) text += (text.empty() ? "" : ",") + std::string(name_of(kind));
  return text.empty() ? "off" : text;
}

}  // namespace nestor::decode
