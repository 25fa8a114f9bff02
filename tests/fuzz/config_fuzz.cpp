// Any bytes as a config.json: refused, or a configuration whose tensors can be counted and whose n-gram rows
// lie inside their tables.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/footprint.h"
#include "config/parse_config.h"
#include "hash/ngram_hash.h"

namespace {

using namespace nestor::config;

void check_counts(const ModelConfig& config) {
  const Footprint f = footprint_of(config, {.draft = NameLayout::Draft::present});
  std::int64_t sum = 0;
  for (const std::int64_t part : f.parameters) {
    if (part < 0) std::abort();
    sum += part;
  }
  if (sum != f.total + f.of(Part::draft)) std::abort();
  if (f.activated_min <= 0 || f.activated_max < f.activated_min) std::abort();
  if (cached_values_per_token(config) <= 0) std::abort();
}

void check_rows(const ModelConfig& config, const NgramSpec& spec) {
  const auto last = static_cast<nestor::TokenId>(config.vocab_size - 1);
  std::vector<nestor::TokenId> ids(static_cast<std::size_t>(spec.order) + 1, last);
  ids.push_back(config.eos_token_ids.front());
  const nestor::hash::NgramHash hash(spec, config.eos_token_ids);
  const auto rows = hash.rows_from(ids, 0);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto table = static_cast<std::int64_t>(i) % hash.tables();
    if (rows[i] < 0 || rows[i] >= spec.rows(table)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const ModelConfig config = parse_config(nestor::parse_json(text, "fuzz"), "fuzz");
    check_counts(config);
    if (config.ngram) check_rows(config, *config.ngram);
    if (config.per_layer && config.per_layer->ngram) check_rows(config, *config.per_layer->ngram);
  } catch (const nestor::Error& error) {
    using Kind = nestor::ErrorKind;
    if (error.kind() != Kind::bad_input && error.kind() != Kind::unsupported) std::abort();
  }
  return 0;
}
