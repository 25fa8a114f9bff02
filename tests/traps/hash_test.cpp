// Mistakes that other engines made in the hash itself.
#include <gtest/gtest.h>

#include "config/parse_config.h"
#include "hash/ngram_hash.h"
#include "support/golden.h"
#include "support/refusal.h"

namespace nestor {
namespace {

using Ids = std::vector<TokenId>;
using RowIds = std::vector<std::int64_t>;
__extension__ using Wide = __int128;

RowIds rows_at(const config::NgramSpec& spec, const Ids& separators, const Ids& ids) {
  const hash::NgramHash hash(spec, separators);
  RowIds rows(static_cast<std::size_t>(hash.tables()));
  hash.rows_at(ids, ids.size() - 1, rows);
  return rows;
}

// A hash small enough to do by hand: V = 10, N = 3, K = 1, ratio 2: moduli 21 and 23.
const config::NgramSpec kSmall = {.order = 3, .splits = 1, .ratio = 2, .vocab_size = 10};

// A missing predecessor is EOS or padding in other families; here it counts as token 0.
TEST(Traps, T06_MissingPredecessorsAreZero) {
  EXPECT_EQ(rows_at(kSmall, {9}, {7}), (RowIds{7, 7}));
  EXPECT_EQ(rows_at(kSmall, {9}, {7}), rows_at(kSmall, {9}, {0, 0, 7}));
  EXPECT_EQ(rows_at(kSmall, {9}, {3, 7}), rows_at(kSmall, {9}, {0, 3, 7}));
  EXPECT_NE(rows_at(kSmall, {9}, {7}), rows_at(kSmall, {5}, {9, 7}));  // and not as EOS
}

// EOS is marked by a sign or by zero padding, which fails where its id is 0.
TEST(Traps, T09_AnEosOfIdZeroCuts) {
  EXPECT_EQ(rows_at(kSmall, {0}, {3, 0, 7}), rows_at(kSmall, {0}, {7}));
  EXPECT_EQ(rows_at(kSmall, {0}, {3, 4, 0, 7, 8}), rows_at(kSmall, {0}, {7, 8}));
  EXPECT_NE(rows_at(kSmall, {9}, {3, 0, 7}), rows_at(kSmall, {9}, {7}));  // an ordinary 0 does not
  EXPECT_NE(rows_at(kSmall, {0}, {3, 4, 0}), rows_at(kSmall, {0}, {0}));  // the EOS has its own history
}

// Products are formed in the 32 bits of a token id.
TEST(Traps, T10_ProductsNeedSixtyFourBits) {
  const config::NgramSpec large = {.order = 5, .splits = 3, .ratio = 1023.5, .vocab_size = 1 << 21};
  const auto top = static_cast<TokenId>(large.vocab_size - 1);
  const RowIds rows = rows_at(large, {2}, Ids(5, top));
  for (std::int64_t table = 0; table < large.tables(); ++table) {
    const Wide modulus = large.rows(table);
    ASSERT_GT(modulus, Wide{1} << 30);
    Wide sum = 0;
    Wide power = 1;
    for (std::int64_t k = 0; k < large.order_of(table); ++k) {
      sum += top * power;  // at most 2^21 * 2^84: no reduction needed here
      power *= large.vocab_size;
    }
    EXPECT_EQ(rows[static_cast<std::size_t>(table)], static_cast<std::int64_t>(sum % modulus)) << table;
  }
}

// The multipliers of the previous and of the last but one token are swapped: fluent and wrong.
TEST(Traps, T11_TheNearestPredecessorHasTheFirstPower) {
  // ... 4 6 8: 8 + 6*10 = 68 = 5 mod 21; 68 + 4*100 = 468 = 8 mod 23.
  EXPECT_EQ(rows_at(kSmall, {9}, {4, 6, 8}), (RowIds{5, 8}));
  // ... 6 4 8: 8 + 4*10 = 48 = 6 mod 21; 48 + 6*100 = 648 = 4 mod 23.
  EXPECT_EQ(rows_at(kSmall, {9}, {6, 4, 8}), (RowIds{6, 4}));
}

// Tables are ordered by order first, then by split; each has two rows more than the one before.
TEST(Traps, T12_TablesAreOrderMajorWithTheirOwnSizes) {
  const auto config =
      config::read_config(testing::golden_folder("lite_small") / "config.json");  // N = 4, K = 4, V = 64
  const config::NgramSpec& spec = *config.ngram;
  std::int64_t table = 0;
  for (const std::int64_t order : {2, 3, 4}) {
    for (int split = 0; split < 4; ++split, ++table) {
      EXPECT_EQ(spec.order_of(table), order);
      EXPECT_EQ(spec.rows(table), 78 * 64 + 2 * table + 1);
    }
  }
  // With 50 at distance 3, exactly the tables of order 4 change.
  const RowIds with = rows_at(spec, {2}, {50, 0, 0, 9});
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(with[i] != 9, i >= 8) << i;
}

config::ModelConfig parse_with(const Json& changes) {
  Json json = read_json(testing::golden_folder("lite_small") / "config.json", 1 << 20);
  json.update(changes);
  return config::parse_config(json, "config.json");
}

// Relatives whose keys or names are overlooked run without their tables, or with other rules.
TEST(Traps, T17_KeysAndNamesOfRelativesAreRefused) {
  for (const char* key : {"oe_neighbor_num", "oe_split_num", "oe_vocab_size_ratio", "oe_ignored_token_ids",
                          "text_vocab_size", "use_ngram_embedding"}) {
    EXPECT_REFUSED(parse_with({{key, 4}}), ErrorKind::unsupported, key);
  }
}

// Other families: normalised vocabularies (13), per-layer embeddings with their own layer numbering (14),
// convolutions over n-grams (15), scaled fusion (16), zero-centred norms (22).
TEST(Traps, T13_T14_T15_T16_T22_OtherFamiliesAreRefusedByName) {
  for (const char* key : {"engram_tokenizer_compression", "ple_layer_ids", "engram_kernel_size", "oe_scale",
                          "zero_centered_norm"})
    EXPECT_REFUSED(parse_with({{key, Json::array({2})}}), ErrorKind::unsupported, key);
  for (const char* name : {"LongcatCausalLM", "Qwen4ForCausalLM", "DeepseekV41ForCausalLM"}) {
    EXPECT_REFUSED(parse_with({{"architectures", Json::array({name})}, {"model_type", nullptr}}),
                   ErrorKind::unsupported, name);
  }
}

// num_hidden_layers counts attentions: half of the layers would be built without weights.
TEST(Traps, T19_LayersAreCountedByNumLayers) {
  EXPECT_EQ(parse_with({{"num_hidden_layers", 4}}).num_layers, 2);
  EXPECT_REFUSED(parse_with({{"num_hidden_layers", 2}}), ErrorKind::bad_input, "num_hidden_layers");
  EXPECT_REFUSED(parse_with({{"num_layers", nullptr}, {"num_hidden_layers", 4}}), ErrorKind::bad_input,
                 "missing key: num_layers");
}

}  // namespace
}  // namespace nestor
