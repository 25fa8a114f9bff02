// Prompt lookup: what followed the last tokens when they stood in the history before (Saxena 2023).
#pragma once

#include <cstdint>
#include <span>

#include "base/token_id.h"

namespace nestor::decode {

/// An earlier place of the history's last tokens.
struct Match {
  std::int64_t length = 0;  // tokens that are equal, at most kLongestMatch; 0: there is none
  std::int64_t next = 0;    // where what followed them begins
};
inline constexpr std::int64_t kShortestMatch = 2, kLongestMatch = 8;

/// The longest match, of equal ones the latest. Linear in the history.
Match find_match(std::span<const TokenId> history);

}  // namespace nestor::decode
