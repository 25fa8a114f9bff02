// Parameters of published models against their makers' figures, and that no accepted configuration takes
// long.
#include "config/footprint.h"

#include <gtest/gtest.h>

#include <chrono>

#include "config/sample.h"
#include "convert/presets.h"

namespace nestor::config {
namespace {

TEST(Footprint, LiteHasThePublishedSize) {
  const ModelConfig lite = parse(convert::preset("lite"));
  const Footprint f = footprint_of(lite, {.draft = NameLayout::Draft::present});
  EXPECT_EQ(f.total, 68'562'465'024);
  EXPECT_EQ(f.ngram, 31'416'422'400);
  EXPECT_EQ(f.activated_min, 2'920'341'504);
  EXPECT_EQ(f.activated_max, 4'505'788'416);
  EXPECT_EQ(f.total + f.of(Part::draft), 69'073'335'552);
  EXPECT_EQ(f.tensors, 11'160);
  EXPECT_EQ(footprint_of(lite).tensors, 11'160 - 17);
  EXPECT_EQ(f.of(Part::ngram_projection), 9'437'184);
  EXPECT_EQ(f.of(Part::experts), 14 * 2'415'919'104);
  EXPECT_EQ(f.of(Part::dense_mlp), 14 * 2 * 56'623'104);
  EXPECT_EQ(f.largest_tensor, 10'223'639LL * 256);
  EXPECT_EQ(cached_values_per_token(lite), 28 * 576);
}

TEST(Footprint, LayoutsHoldTheSameNumbersInFewerTensors) {
  const ModelConfig c = parse(sample());
  const Footprint separate = footprint_of(c);
  const Footprint fused = footprint_of(c, {.experts = NameLayout::Experts::fused});
  EXPECT_EQ(fused.total, separate.total);
  EXPECT_EQ(fused.tensors, separate.tensors - c.num_layers * (3 * c.n_routed_experts - 2));
}

// Limits of single keys and of their products. What is refused is refused by the word that names the excess;
// what is accepted must be counted without overflow and at once.
TEST(Footprint, AbsurdConfigurationsAreRefusedOrCountedQuickly) {
  struct Case {
    std::vector<std::pair<std::string, std::int64_t>> keys;
    const char* refused;  // empty: accepted
  };
  const std::int64_t wide = 1 << 20;
  const std::vector<Case> cases = {
      {{{"num_layers", 4096}}, "more tensors"},
      {{{"n_routed_experts", 65536}, {"num_layers", 2}}, "more tensors"},
      {{{"emb_neighbor_num", 64}, {"emb_split_num", 4096}, {"hidden_size", 63 * 4096 * 4}}, "more tensors"},
      {{{"vocab_size", 1 << 30}, {"hidden_size", 12 << 16}, {"ngram_vocab_size_ratio", 1}}, "the word table"},
      {{{"num_attention_heads", wide}, {"v_head_dim", wide}}, "kv_b_proj"},
      {{{"num_attention_heads", wide}, {"v_head_dim", wide}, {"kv_lora_rank", 1}}, "o_proj"},
      {{{"num_attention_heads", wide}, {"qk_nope_head_dim", wide}, {"kv_lora_rank", 1}}, "q_b_proj"},
      {{{"vocab_size", 1 << 30}, {"hidden_size", 12}, {"ngram_vocab_size_ratio", 2}}, "tables of more than"},
      {{{"n_routed_experts", 65536},
        {"num_layers", 1},
        {"moe_topk", 65536},
        {"expert_ffn_hidden_size", wide},
        {"ffn_hidden_size", wide},
        {"hidden_size", 87381 * 12}},
       ""},
      {{{"num_layers", 3900},
        {"n_routed_experts", 8},
        {"ffn_hidden_size", wide},
        {"hidden_size", 87381 * 12}},
       ""},
      {{{"num_attention_heads", wide},
        {"v_head_dim", 4},
        {"kv_lora_rank", wide / 8},
        {"qk_nope_head_dim", 4},
        {"qk_rope_head_dim", 2},
        {"q_lora_rank", wide / 2},
        {"num_layers", 3900},
        {"hidden_size", 87381 * 12}},
       ""},
  };
  for (const Case& c : cases) {
    Json json = sample();
    for (const auto& [key, value] : c.keys) json[key] = value;
    SCOPED_TRACE(to_text(json));
    if (*c.refused != 0) {
      EXPECT_REFUSED(parse(json), ErrorKind::bad_input, c.refused);
      continue;
    }
    const auto start = std::chrono::steady_clock::now();
    const Footprint f = footprint_of(parse(json));
    EXPECT_LT(std::chrono::steady_clock::now() - start,
              std::chrono::seconds(20));  // sanitizers, busy machine
    EXPECT_GT(f.total, 0);
    for (const std::int64_t n : f.parameters) EXPECT_GE(n, 0);
    EXPECT_GE(f.activated_max, f.activated_min);
    EXPECT_GT(f.activated_min, 0);
    EXPECT_LT(f.activated_max, std::int64_t{1} << 62);
  }
}

}  // namespace
}  // namespace nestor::config
