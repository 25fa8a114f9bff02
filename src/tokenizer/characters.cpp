#include "tokenizer/characters.h"

#include <unicode/uchar.h>

namespace nestor::tokenizer {
namespace {

bool in_category(std::uint32_t c, std::uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0;
}

}  // namespace

bool is_white_space(std::uint32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; }

bool is_word(std::uint32_t c) {
  if (c == 0x200C || c == 0x200D) return true;
  return u_isUAlphabetic(static_cast<UChar32>(c)) != 0 ||
         in_category(c, U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK);
}

bool is_numeric(std::uint32_t c) { return in_category(c, U_GC_N_MASK); }

bool is_punctuation(std::uint32_t c) {
  if (c < 0x80)
    return (c >= 0x21 && c <= 0x2F) || (c >= 0x3A && c <= 0x40) || (c >= 0x5B && c <= 0x60) ||
           (c >= 0x7B && c <= 0x7E);
  return in_category(c, U_GC_P_MASK);
}

std::uint32_t lower_case(std::uint32_t c) {
  if (c == 0x130) return c;
  return static_cast<std::uint32_t>(u_tolower(static_cast<UChar32>(c)));
}

}  // namespace nestor::tokenizer
