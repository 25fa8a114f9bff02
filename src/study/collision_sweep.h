// How often n-grams share a row, counted on a stretch of text for many sizes of a table (study, findings of
// Figs. 3a and 3b). Exact; no model is involved.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/token_id.h"
#include "corpus/shards.h"

namespace nestor::study {

struct CollisionSweep {
  struct Count {
    double ratio = 0;             // rows over the vocabulary
    std::int64_t collisions = 0;  // distinct 2-grams beyond the first of their row
  };
  struct HitRate {
    std::int64_t tokens = 0;
    std::vector<double> rates;  // of orders 2 to 5: rows touched, of all
  };
  std::vector<Count> counts;
  std::vector<HitRate> hit_rates;
};

/// N-grams of `order` ids in a row, as numbers to the base `vocab`; ids before the start are zeros.
/// vocab^order stays below 2^64.
std::vector<std::uint64_t> distinct_ngrams(std::span<const TokenId> ids, std::int64_t order,
                                           std::uint64_t vocab);
/// Rows that these have in a table, as keys modulo rows.
std::int64_t rows_touched(std::span<const std::uint64_t> distinct, std::int64_t rows);

/// Draw `draw` of `draws`: stretches of the text that begin evenly apart. Error(bad_input) if it is too
/// short.
CollisionSweep sweep_collisions(const corpus::Shards& shards, std::int64_t draw, std::int64_t draws);

Json to_json(const CollisionSweep& sweep);
CollisionSweep sweep_from(const Json& json, const std::string& what);

}  // namespace nestor::study
