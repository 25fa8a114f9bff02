// Drafters and the choice among them: the same texts, fewer forwards, and how many drafts pay.
#include "decode/speculation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "base/random.h"
#include "decode/generate.h"
#include "decode/turn.h"
#include "support/drafting_toy.h"

namespace nestor::decode {
namespace {

using testing::DraftingToy;
using Ids = std::vector<TokenId>;

constexpr std::int64_t kVocab = 50;

Turn turn_of(std::uint64_t i, double temperature, std::int64_t tokens = 60) {
  Ids prompt(3 + i % 9);
  for (std::size_t at = 0; at < prompt.size(); ++at)
    prompt[at] = static_cast<TokenId>(kVocab * uniform(i, at, 3));
  SamplingParams params{.temperature = temperature, .seed = i};
  if (i % 3 == 1) params.top_p = 0.9;
  if (i % 3 == 2) params.frequency_penalty = 0.4;
  if (i % 4 == 2) params.top_logprobs = 2;
  return {prompt, params, {.ids = {0}, .max_tokens = tokens, .min_tokens = 2}, i};
}

std::vector<Turn> turns_of(std::uint64_t count, double temperature) {
  std::vector<Turn> turns;
  for (std::uint64_t i = 0; i < count; ++i) turns.push_back(turn_of(i, temperature));
  return turns;
}

struct Ran {
  std::vector<Turn> turns;
  std::int64_t forwards = 0;
  DraftCounters counters;
};

Ran run(DraftWish wish, double temperature, float blur, std::int64_t at_once, float sharpness = 2) {
  Ran ran;
  ran.turns = turns_of(24, temperature);
  DraftingToy model(kVocab);
  model.blur = blur;
  model.sharpness = sharpness;
  const auto speculation = std::make_shared<Speculation>(model);
  for (Turn& turn : ran.turns) turn.draft_with(speculation, wish);
  generate(model, ran.turns, {.prefill_chunk = 5, .turns_at_once = at_once}, {});
  ran.forwards = model.forwards;
  ran.counters = speculation->counters();
  return ran;
}

std::uint64_t sum(const std::array<std::uint64_t, kMostDrafts>& counts) {
  std::uint64_t all = 0;
  for (const std::uint64_t n : counts) all += n;
  return all;
}

TEST(Speculation, TextsAreThoseOfPlainDecoding) {
  const std::vector<DraftWish> wishes = {
      {.kinds = {DraftKind::block}, .tokens = 1},
      {.kinds = {DraftKind::block}, .tokens = 3},
      {.kinds = {DraftKind::block}, .only_if_it_pays = false},
      {.kinds = {DraftKind::lookup}, .tokens = 4},
      {.kinds = {DraftKind::lookup, DraftKind::block}},
      {.kinds = {DraftKind::lookup, DraftKind::block}, .tokens = 2},
  };
  for (const double temperature : {0.0, 0.7, 1.0}) {
    const Ran plain = run({}, temperature, 0, 1);
    EXPECT_EQ(sum(plain.counters.kinds[1].drafted), 0U);
    for (const DraftWish& wish : wishes) {
      for (const std::int64_t at_once : {1, 7}) {
        const Ran drafted = run(wish, temperature, 0.7F, at_once);
        for (std::size_t i = 0; i < plain.turns.size(); ++i) {
          EXPECT_TRUE(std::ranges::equal(plain.turns[i].history(), drafted.turns[i].history())) << i;
          EXPECT_EQ(plain.turns[i].finish_reason(), drafted.turns[i].finish_reason());
          ASSERT_EQ(plain.turns[i].logprobs().size(), drafted.turns[i].logprobs().size());
        }
      }
    }
  }
}

// With guesses that are the target's logits, draft and target draw alike: every draft is right, sampled too.
TEST(Speculation, DraftAndTargetDrawWithTheSameNoise) {
  for (const double temperature : {0.0, 0.7, 1.0}) {
    const Ran exact = run({.kinds = {DraftKind::block}, .tokens = 3}, temperature, 0, 1);
    const auto& block = exact.counters.kinds[static_cast<std::size_t>(DraftKind::block)];
    EXPECT_GT(sum(block.drafted), 500U);
    // What is drafted behind a text that ends is never looked at.
    EXPECT_GT(static_cast<double>(sum(block.accepted)), 0.95 * static_cast<double>(sum(block.drafted)));
    std::int64_t drafted = 0, accepted = 0, forwards = 0, generated = 0;
    for (const Turn& turn : exact.turns) {
      drafted += turn.draft_tally().drafted;
      accepted += turn.draft_tally().accepted;
      forwards += turn.draft_tally().forwards;
      generated += std::ssize(turn.generated());
    }
    EXPECT_EQ(static_cast<std::uint64_t>(drafted), sum(block.drafted));
    EXPECT_EQ(static_cast<std::uint64_t>(accepted), sum(block.accepted));
    EXPECT_LT(forwards, generated / 3);
  }
  // Blurred guesses are right less often, but far more often than two independent draws would agree.
  const auto blurred = run({.kinds = {DraftKind::block}, .tokens = 1}, 1.0, 0.7F, 1).counters.kinds[1];
  const double share = static_cast<double>(sum(blurred.accepted)) / static_cast<double>(sum(blurred.drafted));
  EXPECT_GT(share, 0.5);
  EXPECT_LT(share, 0.95);
}

TEST(Speculation, OnlyTheTargetsForwardsAreSaved) {
  const Ran plain = run({}, 0.7, 0, 1);
  const Ran drafted = run({.kinds = {DraftKind::block}, .tokens = 3}, 0.7, 0, 1);
  EXPECT_LT(drafted.forwards, plain.forwards / 2);
}

TEST(Lookup, FindsTheLongestMatchAndTheLatestOfThem) {
  const auto found = [](const Ids& history) {
    const Match match = find_match(history);
    return std::pair(match.length, match.next);
  };
  using P = std::pair<std::int64_t, std::int64_t>;
  EXPECT_EQ(found({}), P(0, 0));
  EXPECT_EQ(found({1}), P(0, 0));
  EXPECT_EQ(found({1, 1}), P(0, 0));
  EXPECT_EQ(found({1, 1, 1}), P(2, 2));
  EXPECT_EQ(found({1, 2, 3, 1, 2}), P(2, 2));
  EXPECT_EQ(found({1, 2, 3, 9, 2, 3, 7, 1, 2, 3}), P(3, 3));     // longer beats later
  EXPECT_EQ(found({9, 2, 3, 5, 8, 2, 3, 7, 1, 2, 3}), P(2, 7));  // later of equals
  EXPECT_EQ(found({5, 3, 1, 2, 4, 3}), P(0, 0));                 // one token is no match
  Ids repeated;
  for (int i = 0; i < 40; ++i) repeated.push_back(i % 13);
  EXPECT_EQ(found(repeated), P(kLongestMatch, 27));
}

TEST(Lookup, DraftsWhatFollowed) {
  DraftingToy model(kVocab);
  Speculation speculation(model);
  const Ids prompt = {4, 5, 6, 7, 8, 9, 4, 5, 6};
  Turn turn(prompt, {}, {.max_tokens = 100});
  turn.draft_with({}, {.kinds = {DraftKind::lookup}, .tokens = 4});
  EXPECT_EQ(speculation.wanted(turn), 4);
  const lm::Sequence sequence(model);
  Ids ids = {6};
  const DraftJob job{&turn, sequence.id(), 4, &ids};
  speculation.draft({&job, 1});
  EXPECT_EQ(ids, (Ids{6, 7, 8, 9, 4}));
}

TEST(DraftCosts, AcceptanceIsAMeanThatForgets) {
  Acceptance acceptance(0.5);
  EXPECT_DOUBLE_EQ(acceptance.at(0), 0.5);
  EXPECT_DOUBLE_EQ(acceptance.expected(2), 0.75);
  for (int i = 0; i < 2000; ++i) acceptance.add(3, i % 4 == 0 ? 0 : 3);
  EXPECT_NEAR(acceptance.at(0), 0.75, 0.01);
  EXPECT_NEAR(acceptance.at(2), 1.0, 0.01);  // where the first was right, all were
  for (int i = 0; i < 1000; ++i) acceptance.add(1, 0);
  EXPECT_LT(acceptance.at(0), 0.02);
}

TEST(DraftCosts, TheBestLengthFollowsFromCostsAndAcceptance) {
  Acceptance good(0.9), bad(0.05);
  ForwardCosts flat, steep;  // a row more costs 5 %, or 80 %
  for (std::int64_t rows = 1; rows <= 9; ++rows) {
    flat.add(rows, 0.010 * (1 + 0.05 * static_cast<double>(rows - 1)));
    steep.add(rows, 0.010 * (1 + 0.80 * static_cast<double>(rows - 1)));
  }
  const BestLength long_one = best_length(good, flat, 0, 0.0002, 1, 8);
  EXPECT_EQ(long_one.drafts, 8);
  EXPECT_GT(long_one.gain, 3);
  EXPECT_EQ(best_length(good, steep, 0, 0.002, 1, 8).drafts, 0);
  EXPECT_EQ(best_length(bad, flat, 0, 0.0002, 1, 8).drafts, 0);
  EXPECT_EQ(best_length(bad, flat, 0, 0.0002, 1, 8).gain, 1);
  // Where drafting is as dear as the target, nothing pays.
  EXPECT_EQ(best_length(good, flat, 0, 0.010, 1, 8).drafts, 0);
  // By hand: two drafts of 0.9 each give 1 + 0.9 + 0.81 tokens in 11 ms.
  EXPECT_NEAR(best_length(good, flat, 0, 0, 1, 2).gain, 2.71 / 1.1, 1e-9);
}

TEST(DraftCosts, RowsThatWereNotMeasuredLieBetweenThoseThatWere) {
  ForwardCosts costs;
  EXPECT_FALSE(costs.measured(1));
  EXPECT_DOUBLE_EQ(costs.at(5) / costs.at(1), 2);
  costs.add(1, 0.010);
  EXPECT_DOUBLE_EQ(costs.at(1), 0.010);
  EXPECT_DOUBLE_EQ(costs.at(3), 0.015);
  costs.add(5, 0.030);
  EXPECT_DOUBLE_EQ(costs.at(3), 0.020);
  costs.add(5, 3.0);  // disturbed
  EXPECT_LT(costs.at(5), 0.04);
}

TEST(DraftCosts, TheLedgerAllowsALossOfATwoHundredthAndAStep) {
  Ledger ledger;
  EXPECT_TRUE(ledger.has_credit());
  ledger.add(0.015, 0.010, 0.010);  // half a step lost
  EXPECT_TRUE(ledger.has_credit());
  ledger.add(0.018, 0.010, 0.010);
  EXPECT_FALSE(ledger.has_credit());
  for (int i = 0; i < 100; ++i) ledger.add(0.010, 0.010, 0.010);  // plain steps
  EXPECT_TRUE(ledger.has_credit());
  Ledger lucky;
  for (int i = 0; i < 10'000; ++i) lucky.add(0.010, 0.020, 0.010);
  int allowed = 0;
  for (; lucky.has_credit() && allowed < 1000; ++allowed) lucky.add(0.030, 0.010, 0.010);
  EXPECT_LT(allowed, 60);  // long luck does not pay for everything
}

// The policy, with a clock of its own: steps cost what the test says.
struct Simulated {
  double row;       // what a row more costs, of a plain step
  double accepted;  // how often a draft is right
};
// Seconds for a token with drafts, of those without.
double simulate(const Simulated& what, std::int64_t steps, std::int64_t& drafted) {
  DraftingToy model(kVocab);
  Speculation speculation(model);
  Turn turn({1, 2, 3, 1, 2}, {}, {.max_tokens = 1000});
  turn.draft_with({}, {.kinds = {DraftKind::lookup}});
  const lm::Sequence sequence(model);
  double seconds = 0;
  std::int64_t tokens = 0;
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t most = speculation.wanted(turn);
    Ids ids;
    const DraftJob job{&turn, sequence.id(), static_cast<std::size_t>(most), &ids};
    if (most > 0) speculation.draft({&job, 1});
    const std::int64_t k = std::ssize(ids);
    const double took = 0.010 * (1 + what.row * static_cast<double>(k));
    speculation.took({.turns = 1, .rows = 1 + k, .forward_seconds = took});
    std::int64_t accepted = 0;
    while (accepted < k &&
           uniform(7, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(accepted)) < what.accepted)
      ++accepted;
    if (k > 0) speculation.verified(turn, k, accepted);
    seconds += took;
    tokens += 1 + accepted;
    drafted += k;
  }
  return seconds / static_cast<double>(tokens) / 0.010;
}

TEST(Speculation, DraftsWhereItPaysAndLosesLittleWhereItDoesNot) {
  for (const double row : {0.02, 0.3, 0.6, 1.0, 2.0}) {
    for (const double accepted : {0.0, 0.2, 0.5, 0.8, 1.0}) {
      SCOPED_TRACE(::testing::Message() << "a row " << row << ", right " << accepted);
      std::int64_t drafted = 0;
      const double ratio = simulate({row, accepted}, 1000, drafted);
      EXPECT_LT(ratio, 1.02);
      double best = 1;  // with as many drafts as the text ahead allows
      double tokens = 1, right = 1;
      for (int k = 1; k <= 3; ++k) {
        right *= accepted;
        tokens += right;
        best = std::min(best, (1 + row * k) / tokens);
      }
      EXPECT_LT(ratio, best * 1.2);
    }
  }
}

}  // namespace
}  // namespace nestor::decode
