#include "tokenizer/characters.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <iterator>

namespace nestor::tokenizer {
namespace {

bool in_category(std::uint32_t c, std::uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}

struct Range {
  std::uint32_t first, last;
};

// Numbers of Unicode 15 to 17, which ICU may not know.
constexpr Range kNewNumbers[] = {{0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9},
                                 {0x11DE0, 0x11DE9}, {0x11F50, 0x11F59}, {0x16130, 0x16139},
                                 {0x16D70, 0x16D79}, {0x16FF4, 0x16FF6}, {0x1CCF0, 0x1CCF9},
                                 {0x1D2C0, 0x1D2D3}, {0x1E4F0, 0x1E4F9}, {0x1E5F1, 0x1E5FA}};

// Letters of Unicode 16 and 17 and how far their small ones are.
struct Capitals {
  std::uint32_t first, last;
  std::int32_t to_small;
};
constexpr Capitals kNewCapitals[] = {{0x1C89, 0x1C89, 1},      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
                                     {0xA7CC, 0xA7CC, 1},      {0xA7CE, 0xA7CE, 1},
                                     {0xA7D2, 0xA7D2, 1},      {0xA7D4, 0xA7D4, 1},
                                     {0xA7DA, 0xA7DA, 1},      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
                                     {0x10D50, 0x10D65, 0x20}, {0x16EA0, 0x16EB8, 0x1B}};

template <typename Ranges>
const auto* range_of(std::uint32_t c, const Ranges& ranges) {
  const auto* found = std::find_if(std::begin(ranges), std::end(ranges),
                                   [&](const auto& range) { return c >= range.first && c <= range.last; });
  return found == std::end(ranges) ? nullptr : found;
}

bool is_of_unicode_8(std::uint32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] != 0 && age[0] <= 8;
}

}  // namespace

bool is_white_space(std::uint32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }

bool is_word(std::uint32_t c) {
  if (c == 0x200C || c == 0x200D) return true;
  return u_isUAlphabetic(static_cast<UChar32>(c)) != 0 ||
         in_category(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK);
}

bool is_numeric(std::uint32_t c) {
  return in_category(c, U_GC_N_MASK) || range_of(c, kNewNumbers) != nullptr;
}

bool is_punctuation(std::uint32_t c) {
  if (c < 0x80)
    return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) ||
           (c >= 0x7B && c <= 0x7E);
  // The reference's table is Unicode 8's, where these two were punctuation.
  return (in_category(c, U_GC_P_MASK) && is_of_unicode_8(c)) || c == 0x166D || c == 0x111C9;
}

std::uint32_t lower_case(std::uint32_t c) {
  if (c == 0x130) return c;
  if (const Capitals* known = range_of(c, kNewCapitals)) {
    return static_cast<std::uint32_t>(static_cast<std::int32_t>(c) + known->to_small);
  }
  return static_cast<std::uint32_t>(u_tolower(static_cast<UChar32>(c)));
}

}  // namespace nestor::tokenizer
