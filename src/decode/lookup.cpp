#include "decode/lookup.h"

#include <algorithm>

namespace nestor::decode {

Match find_match(std::span<const TokenId> history) {
  Match best;
  const std::int64_t size = std::ssize(history);
  if (size <= kShortestMatch) return best;
  const auto at = [&](std::int64_t i) { return history[static_cast<std::size_t>(i)]; };
  const TokenId last = at(size - 1), before = at(size - 2);
  for (std::int64_t end = size - 2; end >= kShortestMatch - 1; --end) {
    if (at(end) != last || at(end - 1) != before) continue;
    std::int64_t length = kShortestMatch;
    const std::int64_t most = std::min(kLongestMatch, end + 1);
    while (length < most && at(end - length) == at(size - 1 - length)) ++length;
    if (length <= best.length) continue;
    best = {length, end + 1};
    if (length == kLongestMatch) break;
  }
  return best;
}

}  // namespace nestor::decode
