// Good and bad sizes of n-gram tables. A table of M rows over a vocabulary of V ids is bad near a rational
// multiple p/q of V: with the offset d = p V - q M, id a after id b and id a + d after id b - p share a row,
// whatever a and b are. Where p is small beside the ids in use and d smaller still, frequent words collide
// with each other throughout the table.
#pragma once

#include <cstdint>

namespace nestor::plan {

/// The fraction with q up to 8 that M / V suffers most from.
struct NearFraction {
  std::int64_t p = 1, q = 1;
  std::int64_t offset = 0;  // p V - q M

  bool operator==(const NearFraction&) const = default;
};

/// The least q |p V - q M|: what a fraction does falls with q and with the offset. `rows` and `vocab_size`
/// are positive.
NearFraction nearest_fraction(std::int64_t rows, std::int64_t vocab_size);

/// How far M / V is from all these fractions: q |p V - q M| / V of the nearest. 0 at a fraction; no number
/// stays further from all fractions than those of the golden section, whose clearance is about 0.38.
double clearance(std::int64_t rows, std::int64_t vocab_size);

/// The size next to `rows` that is far from all small fractions: M / V is a whole number and 0.382 or 0.618
/// (the golden section), and M has no factor in common with V.
std::int64_t recommended_rows(std::int64_t rows, std::int64_t vocab_size);

}  // namespace nestor::plan
