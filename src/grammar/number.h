// Numbers in JSON, as automata: exact bounds, and bounded lengths so that a text cannot be digits for ever.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "grammar/automaton.h"

namespace nestor::grammar {

/// A bound as a decimal: sign, digits before and behind the point without outer zeros ("" and "" for 0).
struct Decimal {
  bool negative = false;
  std::string whole;
  std::string fraction;

  /// The shortest decimal that reads as this value, as people write it. It must be finite.
  static Decimal of(double value);
  static Decimal of(std::int64_t value);
};

struct NumberBound {
  Decimal value;
  bool exclusive = false;
};

struct NumberRule {
  // Digits before the point, at most: they fit 64 bits. Behind it: more than tell doubles apart.
  static constexpr int kMaxWhole = 18;
  static constexpr int kMaxFraction = 24;

  int max_fraction = kMaxFraction;  // 0: integers
  std::uint32_t multiple_of = 1;    // above 1: integers that it divides
  std::optional<NumberBound> min;
  std::optional<NumberBound> max;
};

/// Numbers that satisfy the rule: integers without point and exponent, others with at most two digits of
/// exponent, or without exponent where there are bounds. Nothing if there are none.
std::optional<Automaton> number(const NumberRule& rule, Work& work);

}  // namespace nestor::grammar
