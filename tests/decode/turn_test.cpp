#include "decode/turn.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "support/refusal.h"

namespace nestor::decode {
namespace {

using Ids = std::vector<TokenId>;

Ids list(std::span<const TokenId> ids) { return {ids.begin(), ids.end()}; }

/// Logits that make greedy choose `id`.
std::vector<float> row_for(TokenId id) {
  std::vector<float> row(10, 0.0F);
  row[static_cast<std::size_t>(id)] = 1.0F;
  return row;
}

const SamplingParams greedy{.temperature = 0};

TEST(Turn, PrefillsInChunksAndAsksForLogitsOnce) {
  const Turn turn({1, 2, 3, 4, 5}, greedy, {});
  EXPECT_EQ(list(turn.wants(0, 2).ids), (Ids{1, 2}));
  EXPECT_EQ(turn.wants(0, 2).logits, 0);
  EXPECT_EQ(list(turn.wants(2, 2).ids), (Ids{3, 4}));
  EXPECT_EQ(turn.wants(2, 2).logits, 0);
  EXPECT_EQ(list(turn.wants(4, 2).ids), (Ids{5}));
  EXPECT_EQ(turn.wants(4, 2).logits, 1);
  EXPECT_EQ(list(turn.wants(0, 5).ids), (Ids{1, 2, 3, 4, 5}));
  EXPECT_EQ(turn.wants(0, 5).logits, 1);
  EXPECT_EQ(list(turn.wants(3, 100).ids), (Ids{4, 5}));  // e.g. three tokens found in a prefix cache
}

TEST(Turn, GeneratesTokenByTokenAndReplaysAfterLoss) {
  Sampler sampler;
  Turn turn({1, 2}, greedy, {});
  EXPECT_EQ(turn.take(row_for(7), sampler)->id, 7);
  EXPECT_EQ(list(turn.generated()), (Ids{7}));
  EXPECT_EQ(list(turn.prompt()), (Ids{1, 2}));
  EXPECT_EQ(list(turn.wants(2, 8).ids), (Ids{7}));
  EXPECT_EQ(turn.wants(2, 8).logits, 1);
  EXPECT_EQ(list(turn.wants(0, 8).ids),
            (Ids{1, 2, 7}));  // the model forgot the sequence: nothing to roll back
  EXPECT_EQ(turn.finish_reason(), FinishReason::none);
}

TEST(Turn, AStopTokenEndsItAndIsNotGenerated) {
  Sampler sampler;
  Turn turn({1}, {.temperature = 0, .top_logprobs = 0}, {.ids = {3, 9}});
  EXPECT_TRUE(turn.take(row_for(4), sampler).has_value());
  EXPECT_FALSE(turn.take(row_for(9), sampler).has_value());
  EXPECT_EQ(turn.finish_reason(), FinishReason::stop);
  EXPECT_EQ(list(turn.generated()), (Ids{4}));
  EXPECT_EQ(turn.logprobs().size(), 1U);
  EXPECT_TRUE(turn.wants(2, 8).ids.empty());
  EXPECT_REFUSED(turn.take(row_for(4), sampler), ErrorKind::usage, "finished");
}

TEST(Turn, MaxTokens) {
  Sampler sampler;
  const Turn nothing({1}, greedy, {.max_tokens = 0});
  EXPECT_EQ(nothing.finish_reason(), FinishReason::length);
  EXPECT_TRUE(nothing.wants(0, 8).ids.empty());
  Turn one({1}, greedy, {.max_tokens = 1});
  EXPECT_EQ(one.take(row_for(4), sampler)->id, 4);
  EXPECT_EQ(one.finish_reason(), FinishReason::length);
  Turn stopped({1}, greedy, {.ids = {4}, .max_tokens = 1});
  EXPECT_FALSE(stopped.take(row_for(4), sampler).has_value());
  EXPECT_EQ(stopped.finish_reason(), FinishReason::stop);
}

TEST(Turn, MinTokensForbidsStopTokensUntilThen) {
  Sampler sampler;
  Turn turn({1}, greedy, {.ids = {9}, .min_tokens = 2});
  EXPECT_EQ(turn.take(row_for(9), sampler)->id, 0);
  EXPECT_EQ(turn.take(row_for(9), sampler)->id, 0);
  EXPECT_FALSE(turn.take(row_for(9), sampler).has_value());
  EXPECT_EQ(list(turn.generated()), (Ids{0, 0}));
}

TEST(Turn, PenaltiesSeePromptAndGenerated) {
  Sampler sampler;
  std::vector<float> two =
      row_for(7);  // 7 has 1, 3 has 0.9: each of them wins when the other is penalised more
  two[3] = 0.9F;
  Turn repetition({7}, {.temperature = 0, .repetition_penalty = 2}, {});
  EXPECT_EQ(repetition.take(two, sampler)->id, 3);
  EXPECT_EQ(repetition.take(two, sampler)->id, 7);
  Turn presence({7}, {.temperature = 0, .presence_penalty = 2}, {});
  EXPECT_EQ(presence.take(row_for(7), sampler)->id, 7);
  EXPECT_EQ(presence.take(row_for(7), sampler)->id, 0);
}

TEST(Turn, TheDrawIsThatOfSeedSequenceAndPosition) {
  Sampler sampler;
  const std::vector<float> flat(10, 0.0F);
  for (std::uint64_t sequence = 0; sequence < 3; ++sequence) {
    Turn turn({1, 2, 3}, {.seed = 11}, {}, sequence);
    for (std::uint64_t position = 3; position < 20; ++position) {
      const TokenId alone = sampler.choose(flat, {.seed = 11}, {}, {sequence, position}).id;
      EXPECT_EQ(turn.take(flat, sampler)->id, alone);
    }
  }
}

TEST(Turn, LogprobsFollowTheGeneratedTokens) {
  Sampler sampler;
  Turn turn({1}, {.temperature = 0, .top_logprobs = 2}, {.max_tokens = 2});
  turn.take(row_for(5), sampler);
  turn.take(row_for(6), sampler);
  ASSERT_EQ(turn.logprobs().size(), 2U);
  EXPECT_EQ(turn.logprobs()[1].id, 6);
  EXPECT_EQ(turn.logprobs()[1].top[0].id, 6);
  EXPECT_EQ(turn.logprobs()[1].top[1].id, 0);
  Turn without({1}, greedy, {});
  without.take(row_for(5), sampler);
  EXPECT_TRUE(without.logprobs().empty());
}

TEST(Turn, AnErrorChangesNothing) {
  Sampler sampler;
  Turn turn({1}, greedy, {});
  const std::vector<float> bad(10, std::numeric_limits<float>::quiet_NaN());
  EXPECT_REFUSED(turn.take(bad, sampler), ErrorKind::internal, "nan");
  EXPECT_EQ(turn.finish_reason(), FinishReason::none);
  EXPECT_EQ(turn.take(row_for(3), sampler)->id, 3);
}

TEST(Turn, FinishFromOutside) {
  Turn turn({1}, greedy, {});
  EXPECT_REFUSED(turn.finish(FinishReason::none), ErrorKind::usage, "reason");
  turn.finish(FinishReason::cancelled);
  turn.finish(FinishReason::length);
  turn.finish(FinishReason::stop);
  EXPECT_EQ(turn.finish_reason(), FinishReason::cancelled);
  Turn full({1}, greedy, {.max_tokens = 0});
  full.finish(FinishReason::cancelled);
  EXPECT_EQ(full.finish_reason(), FinishReason::length);
  full.finish(FinishReason::stop);
  EXPECT_EQ(full.finish_reason(), FinishReason::stop);
}

TEST(Turn, WhatCannotBeIsAnError) {
  EXPECT_REFUSED(Turn({}, greedy, {}), ErrorKind::usage, "prompt is empty");
  EXPECT_REFUSED(Turn({1}, greedy, {.max_tokens = -1}), ErrorKind::usage, "max_tokens");
  EXPECT_REFUSED(Turn({1}, greedy, {.min_tokens = -1}), ErrorKind::usage, "min_tokens");
  EXPECT_REFUSED(Turn({1}, greedy, {.max_tokens = 2, .min_tokens = 3}), ErrorKind::usage, "min_tokens");
  const Turn turn({1, 2}, greedy, {});
  EXPECT_REFUSED(turn.wants(2, 8), ErrorKind::usage, "holds 2 of 2");
  EXPECT_REFUSED(turn.wants(-1, 8), ErrorKind::usage, "holds -1");
  EXPECT_REFUSED(turn.wants(0, 0), ErrorKind::usage, "row");
}

TEST(Turn, CheckAgainstAModel) {
  const lm::Info info{.vocab_size = 10, .context_limit = 3, .eos_ids = {}};
  Turn({1, 2, 9}, greedy, {.ids = {0, 9}}).check_against(info);
  EXPECT_REFUSED(Turn({1, 2, 3, 4}, greedy, {}).check_against(info), ErrorKind::limit,
                 "4 tokens, but the context limit is 3");
  EXPECT_REFUSED(Turn({1, 10}, greedy, {}).check_against(info), ErrorKind::bad_input,
                 "token 10 at position 1");
  EXPECT_REFUSED(Turn({-1}, greedy, {}).check_against(info), ErrorKind::bad_input, "token -1 at position 0");
  EXPECT_REFUSED(Turn({1}, greedy, {.ids = {10}}).check_against(info), ErrorKind::usage, "stop token 10");
  EXPECT_REFUSED(Turn({1}, {.top_p = 0}, {}).check_against(info), ErrorKind::usage, "top_p");
}

}  // namespace
}  // namespace nestor::decode
