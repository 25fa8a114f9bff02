// Sums over the list of tensors, and operations counted by hand; tests/model/work_test.cpp holds them against
// what forward passes execute.
#include "config/budget.h"

#include <gtest/gtest.h>

#include "config/footprint.h"
#include "config/sample.h"

namespace nestor::config {
namespace {

std::uint64_t elements(const TensorInfo& tensor) { return static_cast<std::uint64_t>(tensor.elements()); }

TEST(Budget, TalliesAreThoseOfTheFootprint) {
  const ModelConfig c = parse(sample());
  const NameLayout layout = {.draft = NameLayout::Draft::present};
  const Footprint f = footprint_of(c, layout);
  const Tally numbers = tally(c, layout, elements);
  for (std::size_t i = 0; i < kParts; ++i) {
    const auto part = static_cast<Part>(i);
    EXPECT_EQ(numbers.of(part), static_cast<std::uint64_t>(f.of(part))) << name_of(part);
  }
  const auto words = static_cast<std::uint64_t>(c.vocab_size * c.hidden_size);
  EXPECT_EQ(numbers.of(Part::draft, Storage::table), words);
  EXPECT_EQ(numbers.of(Storage::table), 2 * words + numbers.of(Part::ngram_table));
  EXPECT_EQ(numbers.total(), static_cast<std::uint64_t>(f.total + f.of(Part::draft)));
  EXPECT_EQ(numbers.weights(), static_cast<std::uint64_t>(f.total) - numbers.of(Part::ngram_table) - words);
}

// What one token activates as the paper counts it, besides norms and with the projections of n-grams.
TEST(Budget, OperationsOfOneTokenAreItsActivatedParameters) {
  const ModelConfig c = parse(sample());
  const Footprint f = footprint_of(c);
  Pass pass;
  pass.rows = pass.logits = 1;
  pass.picks = static_cast<double>(c.num_layers * std::min(c.moe_topk, c.n_routed_experts));
  const Operations found = operations_of(c, {}, pass, AttentionForm::latent);
  const std::int64_t latent_norms = c.attentions() * (c.q_lora_rank + c.kv_lora_rank);
  EXPECT_EQ(found.total(),
            static_cast<double>(f.activated_max - latent_norms + f.of(Part::ngram_projection)));
  pass.positions = 10;
  EXPECT_EQ(operations_of(c, {}, pass, AttentionForm::latent).attention,
            static_cast<double>(c.attentions() * 10 * c.num_attention_heads *
                                (2 * c.kv_lora_rank + c.qk_rope_head_dim)));
}

// Layouts hold the same numbers, so they cost the same.
TEST(Budget, StacksOfExpertsCostWhatExpertsDo) {
  const ModelConfig c = parse(sample());
  const Pass pass = {7, 30, 11, 2, 3};
  const NameLayout stacks = {.experts = NameLayout::Experts::fused, .draft = NameLayout::Draft::present};
  const NameLayout separate = {.draft = NameLayout::Draft::present};
  EXPECT_EQ(operations_of(c, stacks, pass, AttentionForm::heads).total(),
            operations_of(c, separate, pass, AttentionForm::heads).total());
}

}  // namespace
}  // namespace nestor::config
