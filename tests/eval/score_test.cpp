#include "eval/score.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "decode/logprobs.h"
#include "support/refusal.h"
#include "support/toy_model.h"

namespace nestor::eval {
namespace {

using testing::ToyModel;

constexpr std::int64_t kScoreVocab = 40;

// The definition: each token's log-softmax after everything before it.
Score expected(const Query& query, std::size_t continuation) {
  std::vector<TokenId> history = query.context;
  Score score;
  for (const TokenId id : query.continuations[continuation]) {
    const auto row = testing::logits_after(history, kScoreVocab);
    score.log_likelihood += static_cast<double>(row[static_cast<std::size_t>(id)]) - decode::log_sum_exp(row);
    score.greedy = score.greedy && std::ranges::max_element(row) - row.begin() == id;
    history.push_back(id);
  }
  return score;
}

std::vector<TokenId> random_ids(std::uint64_t key, std::size_t length) {
  std::vector<TokenId> ids(length);
  for (std::size_t i = 0; i < length; ++i) ids[i] = static_cast<TokenId>(philox(key, i, 7)[0] % kScoreVocab);
  return ids;
}

// Lengths 1, a few, and longer than a forward pass; greedy continuations among them.
std::vector<Query> queries() {
  std::vector<Query> all;
  for (std::uint64_t q = 0; q < 9; ++q) {
    Query query{random_ids(q, 1 + q * q), {}};
    for (std::uint64_t c = 0; c < q % 4; ++c)
      query.continuations.push_back(random_ids(100 * q + c, 1 + 5 * c * q));
    std::vector<TokenId> greedy, history = query.context;
    for (int i = 0; i < 3; ++i) {
      const auto row = testing::logits_after(history, kScoreVocab);
      greedy.push_back(static_cast<TokenId>(std::ranges::max_element(row) - row.begin()));
      history.push_back(greedy.back());
    }
    query.continuations.push_back(greedy);
    all.push_back(query);
  }
  all.push_back({{1}, {}});  // nothing to score
  return all;
}

TEST(Score, IsTheDefinitionHoweverItIsBatched) {
  const auto all = queries();
  for (const std::int64_t rows : {1, 2, 7, 64, 4096}) {
    for (const std::int64_t at_once : {1, 3, 32}) {
      ToyModel model(kScoreVocab);
      ScoreOptions options;
      options.rows_per_forward = rows;
      options.sequences_at_once = at_once;
      options.logits_bytes = 5 * kScoreVocab * 4;
      std::vector<int> seen(all.size());
      score(model, all, options, [&](std::size_t q, std::span<const Score> scores) {
        ++seen[q];
        ASSERT_EQ(scores.size(), all[q].continuations.size());
        for (std::size_t c = 0; c < scores.size(); ++c) {
          EXPECT_EQ(scores[c].log_likelihood, expected(all[q], c).log_likelihood) << q << " " << c;
          EXPECT_EQ(scores[c].greedy, expected(all[q], c).greedy);
          EXPECT_TRUE(c + 1 < scores.size() || scores[c].greedy);
        }
      });
      EXPECT_EQ(std::ranges::count(seen, 1), std::ssize(seen));
      EXPECT_LE(model.most_rows, rows);
      EXPECT_LE(model.most_logits, 5);
      EXPECT_EQ(model.open_now(), 0);
    }
  }
}

TEST(Score, AContextIsComputedOnceAndALastTokenNever) {
  ToyModel model(kScoreVocab);
  const std::vector<Query> one = {{random_ids(1, 10), {{1, 2}, {3}, {4, 5, 6}}}};
  score(model, one, {}, [](std::size_t, std::span<const Score>) {});
  EXPECT_EQ(model.fed, 10 + 1 + 0 + 2);
}

TEST(Score, RefusesWhatCannotBeScored) {
  ToyModel model(kScoreVocab);
  const auto run = [&](const Query& query) { score(model, std::vector{query}, {}, [](auto, auto) {}); };
  EXPECT_REFUSED(run({{}, {{1}}}), ErrorKind::usage, "at least one token");
  EXPECT_REFUSED(run({{1}, {{}}}), ErrorKind::usage, "at least one token");
  EXPECT_REFUSED(run({{1}, {{TokenId{kScoreVocab}}}}), ErrorKind::bad_input, "vocabulary");
  ScoreOptions none;
  none.rows_per_forward = 0;
  EXPECT_REFUSED(score(model, {}, none, [](auto, auto) {}), ErrorKind::usage, "rows_per_forward");
  EXPECT_EQ(model.open_now(), 0);
}

TEST(Score, ErrorsAndCancellationLeaveNoSequenceOpen) {
  ToyModel model(kScoreVocab);
  model.fail_at = 3;
  ScoreOptions options;
  options.rows_per_forward = 8;
  const auto all = queries();
  EXPECT_REFUSED(score(model, all, options, [](auto, auto) {}), ErrorKind::io, "told to fail");
  EXPECT_EQ(model.open_now(), 0);
  std::stop_source stop;
  options.cancel = stop.get_token();
  EXPECT_REFUSED(score(model, all, options, [&](auto, auto) { stop.request_stop(); }), ErrorKind::cancelled,
                 "");
  EXPECT_EQ(model.open_now(), 0);
}

}  // namespace
}  // namespace nestor::eval
