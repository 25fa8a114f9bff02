#include "study/collision_sweep.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::study {
namespace {

constexpr std::int64_t kSequences = 100, kSequence = 256;  // of which 2-grams are counted
constexpr double kHitRatio = 30.37;                        // of the table whose hit rate is counted
constexpr std::int64_t kBudgets[] = {16384, 65536, 262144};
constexpr std::int64_t kLongest = 5;

// Whole numbers, their neighbourhood, and places between.
std::vector<double> ratios() {
  std::vector<double> list;
  for (int whole = 30; whole <= 33; ++whole) {
    for (const double from : {0.0, 0.001, 0.005, 0.02, 0.1, 0.2, 0.25, 0.3, 1.0 / 3, 0.4, 0.5, 0.6, 0.7, 0.8,
                              0.9, 0.98, 0.995, 0.999})
      list.push_back(whole + from);
  }
  return list;
}

std::vector<TokenId> read(const corpus::Shards& shards, std::int64_t first, std::int64_t count) {
  std::vector<TokenId> ids(static_cast<std::size_t>(count));
  shards.read(first, ids);
  return ids;
}

}  // namespace

std::vector<std::uint64_t> distinct_ngrams(std::span<const TokenId> ids, std::int64_t order,
                                           std::uint64_t vocab) {
  std::vector<std::uint64_t> keys;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::uint64_t key = 0, power = 1;
    for (std::size_t back = 0; back < static_cast<std::size_t>(order) && back <= i; ++back, power *= vocab)
      key += static_cast<std::uint64_t>(ids[i - back]) * power;
    keys.push_back(key);
  }
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

std::int64_t rows_touched(std::span<const std::uint64_t> distinct, std::int64_t rows) {
  std::vector<bool> touched(static_cast<std::size_t>(rows));
  for (const std::uint64_t key : distinct) touched[key % static_cast<std::uint64_t>(rows)] = true;
  return std::ranges::count(touched, true);
}

CollisionSweep sweep_collisions(const corpus::Shards& shards, std::int64_t draw, std::int64_t draws) {
  const auto vocab = static_cast<std::uint64_t>(shards.vocab_size());
  const std::int64_t needed = std::max(kSequences * kSequence, kBudgets[2]);
  if (shards.tokens() < needed)
    fail(ErrorKind::bad_input, "collisions are counted on {} tokens, the corpus has {}", needed,
         shards.tokens());
  const std::int64_t first = (shards.tokens() - needed) * draw / std::max<std::int64_t>(1, draws);
  CollisionSweep sweep;
  const auto pairs = distinct_ngrams(read(shards, first, kSequences * kSequence), 2, vocab);
  for (const double ratio : ratios()) {
    const auto rows = static_cast<std::int64_t>(ratio * static_cast<double>(vocab));
    sweep.counts.push_back({ratio, std::ssize(pairs) - rows_touched(pairs, rows)});
  }
  const auto rows = static_cast<std::int64_t>(kHitRatio * static_cast<double>(vocab));
  for (const std::int64_t tokens : kBudgets) {
    const std::vector<TokenId> ids = read(shards, first, tokens);
    CollisionSweep::HitRate rate{tokens, {}};
    for (std::int64_t order = 2; order <= kLongest; ++order) {
      const auto touched = rows_touched(distinct_ngrams(ids, order, vocab), rows);
      rate.rates.push_back(static_cast<double>(touched) / static_cast<double>(rows));
    }
    sweep.hit_rates.push_back(std::move(rate));
  }
  return sweep;
}

Json to_json(const CollisionSweep& sweep) {
  Json counts = Json::array(), rates = Json::array();
  for (const auto& [ratio, collisions] : sweep.counts) counts.push_back({ratio, collisions});
  for (const auto& [tokens, values] : sweep.hit_rates)
    rates.push_back({{"tokens", tokens}, {"rates", values}});
  return {{"collisions", counts}, {"hit_rates", rates}};
}

CollisionSweep sweep_from(const Json& json, const std::string& what) {
  CollisionSweep sweep;
  try {
    for (const Json& count : json.at("collisions"))
      sweep.counts.push_back({count.at(0).get<double>(), count.at(1).get<std::int64_t>()});
    for (const Json& rate : json.at("hit_rates"))
      sweep.hit_rates.push_back(
          {rate.at("tokens").get<std::int64_t>(), rate.at("rates").get<std::vector<double>>()});
  } catch (const Json::exception& error) {
    fail(ErrorKind::bad_input, "{}: is no count of collisions: {}", what, error.what());
  }
  return sweep;
}

}  // namespace nestor::study
