// A turn that scores its prompt.
#include <gtest/gtest.h>

#include <vector>

#include "decode/turn.h"
#include "support/refusal.h"

namespace nestor::decode {
namespace {

constexpr std::int64_t kVocab = 10;

/// The logits of a toy after the token at `position`.
std::vector<float> row(std::int64_t position) {
  std::vector<float> logits(kVocab);
  for (std::int64_t i = 0; i < kVocab; ++i) {
    logits[static_cast<std::size_t>(i)] = static_cast<float>((position * 7 + i * 3) % 11) / 2;
  }
  return logits;
}

/// Feeds a turn what it wants, `chunk` rows at a time, `held` of which the model has from elsewhere, until it
/// is finished or has generated one token. Loses what the model holds after the forward number `loses_at`.
struct Fed {
  std::int64_t rows = 0, logits = 0;
};
Fed feed(Turn& turn, std::int64_t held, std::int64_t chunk, int loses_at = -1) {
  Sampler sampler;
  Fed fed;
  for (int forward = 0; !turn.finished() && turn.generated().empty(); ++forward) {
    const Wants wants = turn.wants(held, chunk);
    const auto count = std::ssize(wants.ids);
    EXPECT_GT(count, 0);
    held += count;
    const std::int64_t rows = wants.logits;
    std::vector<float> values;
    for (std::int64_t p = held - rows; p < held; ++p) {
      for (const float z : row(p)) values.push_back(z);
    }
    turn.take(held - rows, lm::Logits(values, kVocab), sampler);
    fed.rows += count;
    fed.logits += rows;
    if (forward == loses_at) held = 0;
  }
  return fed;
}

std::vector<TokenId> prompt(std::int64_t length) {
  std::vector<TokenId> ids;
  for (std::int64_t i = 0; i < length; ++i) ids.push_back(static_cast<TokenId>((i * i + 1) % kVocab));
  return ids;
}

void expect_scores(const Turn& turn, std::int64_t length, std::int64_t top) {
  const auto ids = prompt(length);
  ASSERT_EQ(std::ssize(turn.prompt_scores()), length);
  for (std::int64_t i = 0; i < length; ++i) {
    const Choice& score = turn.prompt_scores()[static_cast<std::size_t>(i)];
    const TokenId id = ids[static_cast<std::size_t>(i)];
    EXPECT_EQ(score.id, id);
    EXPECT_EQ(score.logprob.has_value(), i > 0);
    if (i == 0) continue;
    const auto logits = row(i - 1);
    EXPECT_EQ(*score.logprob, static_cast<float>(logits[static_cast<std::size_t>(id)] - log_sum_exp(logits)));
    ASSERT_EQ(std::ssize(score.top), top);
  }
}

TEST(TurnScores, HoweverThePromptIsChunked) {
  for (const std::int64_t length : {1, 2, 63, 64, 65, 130}) {
    for (const std::int64_t chunk : {1, 3, 64, 1000}) {
      for (const std::int64_t max_tokens : {0, 1}) {
        Turn turn(prompt(length), {.temperature = 0, .prompt_logprobs = 2}, {.max_tokens = max_tokens});
        EXPECT_EQ(turn.finished(), length == 1 && max_tokens == 0);
        const Fed fed = feed(turn, 0, chunk);
        expect_scores(turn, length, 2);
        EXPECT_EQ(turn.finish_reason(), FinishReason::length);
        EXPECT_EQ(std::ssize(turn.generated()), max_tokens);
        EXPECT_EQ(fed.rows, length - 1 + max_tokens);  // the last row is for the next token only
      }
    }
  }
}

TEST(TurnScores, WhatIsScoredIsNotAskedForAgain) {
  Turn turn(prompt(200), {.temperature = 0, .prompt_logprobs = 0}, {.max_tokens = 1});
  const Fed fed = feed(turn, 0, 50, 2);  // 150 rows are lost after they were scored
  expect_scores(turn, 200, 0);
  EXPECT_EQ(fed.rows, 350);
  EXPECT_EQ(fed.logits, 200);
}

TEST(TurnScores, OnlyAKnownPrefixBeforeTheFirstWantedRowHelps) {
  Turn scoring(prompt(8), {.temperature = 0, .prompt_logprobs = 0}, {});
  EXPECT_EQ(scoring.first_wanted(), 0);
  EXPECT_REFUSED(scoring.wants(1, 4), ErrorKind::usage, "the logits of token 0 are wanted");
  feed(scoring, 0, 3);
  EXPECT_EQ(scoring.first_wanted(), 8);  // the token that was generated
  const Turn plain(prompt(8), {.temperature = 0}, {});
  EXPECT_EQ(plain.first_wanted(), 7);
  EXPECT_TRUE(plain.prompt_scores().empty());
}

TEST(TurnScores, LogitsThatAreNoDistributionAreAnError) {
  Turn turn(prompt(3), {.temperature = 0, .prompt_logprobs = 0}, {});
  Sampler sampler;
  std::vector<float> logits(kVocab, 0.0F);
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    logits.back() = bad;
    EXPECT_REFUSED(turn.take(0, lm::Logits(logits, kVocab), sampler), ErrorKind::internal, "finite number");
  }
  EXPECT_EQ(turn.prompt_scores().size(), 1U);
}

}  // namespace
}  // namespace nestor::decode
