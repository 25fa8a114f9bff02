// A turn whose tokens a constraint limits.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "decode/turn.h"
#include "support/refusal.h"

namespace nestor::decode {
namespace {

/// Allows the tokens of a list one after the other, then `end`; refuses what it is told not to accept.
class Script : public Constraint {
 public:
  Script(std::vector<TokenId> tokens, TokenId end) : tokens_(std::move(tokens)), end_(end) {}

  void allowed(std::span<std::uint64_t> mask) override {
    EXPECT_EQ(mask.size(), 1U);
    EXPECT_EQ(mask[0], 0U);
    const TokenId id = accepted.size() < tokens_.size() ? tokens_[accepted.size()] : end_;
    mask[0] |= std::uint64_t{1} << id;
  }
  void accept(TokenId id) override {
    if (id == refused) fail(ErrorKind::usage, "refused");
    accepted.push_back(id);
  }
  void rewind(std::int64_t tokens) override {
    accepted.resize(accepted.size() - static_cast<std::size_t>(tokens));
  }

  std::vector<TokenId> accepted;
  TokenId refused = -1;

 private:
  std::vector<TokenId> tokens_;
  TokenId end_;
};

std::vector<TokenId> list(std::span<const TokenId> ids) { return {ids.begin(), ids.end()}; }

/// Ten logits of which greedy alone would choose 8.
std::vector<float> row() {
  std::vector<float> logits(10, 0.0F);
  logits[8] = 5.0F;
  return logits;
}

TEST(TurnConstraint, OnlyAllowedTokensAreChosen) {
  for (const double temperature : {0.0, 1.0}) {
    const auto script = std::make_shared<Script>(std::vector<TokenId>{4, 2, 7}, 3);
    Turn turn({1}, {.temperature = temperature, .top_logprobs = 1}, {.ids = {3}}, 0, script);
    Sampler sampler;
    while (!turn.finished()) turn.take(row(), sampler);
    EXPECT_EQ(list(turn.generated()), (std::vector<TokenId>{4, 2, 7}));
    EXPECT_EQ(turn.finish_reason(), FinishReason::stop);
    EXPECT_EQ(script->accepted, (std::vector<TokenId>{4, 2, 7}));  // what is generated, no stop token
    EXPECT_EQ(turn.logprobs()[0].top[0].id, 8);                    // log-probabilities are the model's own
  }
}

TEST(TurnConstraint, WhereTheTextMustEndMinTokensGivesWay) {
  Sampler sampler;
  Turn ends({1}, {.temperature = 0}, {.ids = {3}, .min_tokens = 5}, 0,
            std::make_shared<Script>(std::vector<TokenId>{4}, 3));
  while (!ends.finished()) ends.take(row(), sampler);
  EXPECT_EQ(ends.generated().size(), 1U);
}

TEST(TurnConstraint, MaxTokensCutsIt) {
  Sampler sampler;
  Turn cut({1}, {.temperature = 0}, {.ids = {3}, .max_tokens = 2}, 0,
           std::make_shared<Script>(std::vector<TokenId>{4, 2, 7}, 3));
  while (!cut.finished()) cut.take(row(), sampler);
  EXPECT_EQ(list(cut.generated()), (std::vector<TokenId>{4, 2}));
  EXPECT_EQ(cut.finish_reason(), FinishReason::length);
}

TEST(TurnConstraint, AnErrorOfTheConstraintChangesNothing) {
  Sampler sampler;
  const auto script = std::make_shared<Script>(std::vector<TokenId>{4, 2}, 3);
  Turn turn({1}, {.temperature = 0}, {.ids = {3}}, 0, script);
  script->refused = 4;
  EXPECT_REFUSED(turn.take(row(), sampler), ErrorKind::usage, "refused");
  EXPECT_TRUE(turn.generated().empty());
  script->refused = -1;
  EXPECT_EQ(turn.take(row(), sampler)->id, 4);
}

TEST(TurnConstraint, NothingPossibleIsAnError) {
  Sampler sampler;
  Turn turn({1}, {.temperature = 0}, {}, 0,
            std::make_shared<Script>(std::vector<TokenId>{40}, 3));  // which the model lacks
  EXPECT_REFUSED(turn.take(row(), sampler), ErrorKind::usage, "what the constraint does not allow");
}

}  // namespace
}  // namespace nestor::decode
