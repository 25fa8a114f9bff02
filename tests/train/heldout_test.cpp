// Held-out text: which windows are scored on what, and how it adds up.
#include "train/loop/heldout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace nestor::train {
namespace {

// Ids 0, 1, 2, ...; token i stands for i + 1 bytes.
HeldoutText counting(std::size_t tokens) {
  HeldoutText text;
  text.ids.resize(tokens);
  std::iota(text.ids.begin(), text.ids.end(), 0);
  text.documents.assign(tokens, 0);
  for (std::size_t i = 0; i < tokens; ++i) text.bytes.push_back(static_cast<std::int64_t>(i) + 1);
  return text;
}

std::vector<corpus::Batch> batches_of(const HeldoutText& text, std::int64_t window, std::int64_t rows) {
  std::vector<corpus::Batch> seen;
  evaluate({text}, window, rows,
           [&](const corpus::Batch& batch) {
             seen.push_back(batch);
             return Score{};
           },
           {});
  return seen;
}

TEST(Heldout, EveryTokenButTheFirstIsScoredOnce) {
  for (const std::size_t tokens : {2U, 3U, 8U, 9U, 10U, 17U, 33U, 100U}) {
    std::vector<TokenId> scored;
    for (const corpus::Batch& batch : batches_of(counting(tokens), 8, 3)) {
      ASSERT_EQ(batch.ids.size(), static_cast<std::size_t>(batch.rows * batch.window));
      ASSERT_LE(batch.rows, 3);
      for (std::size_t i = 0; i < batch.ids.size(); ++i) {
        EXPECT_EQ(batch.targets[i], batch.ids[i] + 1);
        EXPECT_EQ(batch.positions[i], static_cast<std::int32_t>(i) % batch.window);
        const bool last = static_cast<std::size_t>(batch.ids[i]) + 2 >= tokens;
        EXPECT_EQ(batch.second_targets[i], last ? -1 : batch.ids[i] + 2);
        scored.push_back(batch.targets[i]);
      }
    }
    std::vector<TokenId> expected(tokens - 1);
    std::iota(expected.begin(), expected.end(), 1);
    EXPECT_EQ(scored, expected) << tokens;
  }
}

TEST(Heldout, DocumentsAreSegmentsAndTheirFirstTokensAreNotScored) {
  HeldoutText text = counting(6);
  text.documents = {0, 0, 1, 1, 1, 2};
  const auto batches = batches_of(text, 8, 1);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0].segments, (std::vector<std::int32_t>{0, 0, 1, 1, 1}));
  EXPECT_EQ(batches[0].positions, (std::vector<std::int32_t>{0, 1, 0, 1, 2}));
  EXPECT_EQ(batches[0].targets, (std::vector<TokenId>{1, -1, 3, 4, -1}));
  EXPECT_EQ(batches[0].second_targets, (std::vector<TokenId>{-1, -1, 4, -1, -1}));
}

TEST(Heldout, BitsPerByteCountTheScoredText) {
  HeldoutText text = counting(6);
  text.documents = {0, 0, 1, 1, 1, 2};
  const EvaluationReport report = evaluate({text}, 8, 1,
                                           [](const corpus::Batch&) {
                                             return Score{6, 2, 3, 1};
                                           },
                                           {})
                                      .value();
  EXPECT_EQ(report.tokens, 3);
  EXPECT_EQ(report.nll_per_token, 2);
  EXPECT_EQ(report.draft_nll_per_token, 2);
  EXPECT_NEAR(report.bits_per_byte, 6 / std::log(2.0) / (2 + 4 + 5), 1e-15);
}

TEST(Heldout, AStopEndsItBetweenBatchesWithoutAReport) {
  std::stop_source stop;
  int batches = 0;
  const auto report = evaluate(
      {counting(100)}, 8, 1,
      [&](const corpus::Batch&) {
        if (++batches == 3) stop.request_stop();
        return Score{};
      },
      stop.get_token());
  EXPECT_FALSE(report.has_value());
  EXPECT_EQ(batches, 3);
}

}  // namespace
}  // namespace nestor::train
