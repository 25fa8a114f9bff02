// Mistakes that other engines made with the token history behind n-gram embeddings. The numbers are those of
// our collection of such reports; what a trap is stands above each test.
#include <gtest/gtest.h>

#include <map>

#include "kernels/registry.h"
#include "layers/observer.h"
#include "lm/sequence.h"
#include "support/golden.h"

namespace nestor {
namespace {

using testing::all_logits;
using Ids = std::vector<TokenId>;
using Values = std::vector<float>;

std::unique_ptr<model::Model> lite(model::CacheFormat cache = model::CacheFormat::f32) {
  return testing::open_model(testing::golden_folder("lite_small"), "reference", 2, cache);
}

Values feed(model::Model& model, const lm::Sequence& sequence, const Ids& ids, std::int64_t wanted = 1) {
  const std::vector<lm::Chunk> batch = {{sequence.id(), ids, wanted}};
  const lm::Logits logits = model.forward(batch);
  return logits.rows() == 0 ? Values() : Values(logits.row(0).begin(), logits.row(0).end());
}

Values last_logits(model::Model& model, const Ids& ids) {
  const Values all = all_logits(model, ids, ids.size());
  return {all.end() - model.info().vocab_size, all.end()};
}

// The input layer's rows for a sequence.
Values embedded(model::Model& model, const Ids& ids) {
  struct Recorder : layers::Observer {
    void see(std::string_view layer, std::string_view part, kernels::Rows values, std::int64_t rows,
             std::int64_t cols) override {
      if (std::string(layer) + std::string(part) != "embed") return;
      for (std::int64_t t = 0; t < rows; ++t) seen.insert(seen.end(), values.row(t), values.row(t) + cols);
    }
    Values seen;
  } recorder;
  const lm::Sequence sequence(model);
  const std::vector<lm::Chunk> batch = {{sequence.id(), ids, 0}};
  model.forward(batch, recorder);
  return recorder.seen;
}

const Ids kText = {10, 11, 12, 2, 13, 14, 15, 16, 17, 18, 3, 19};

// A window with a cursor restarts empty when the position jumps back.
TEST(Traps, T01_HistorySurvivesARewind) {
  const auto model = lite();
  for (std::size_t keep = 1; keep < kText.size(); ++keep) {
    lm::Sequence sequence(*model);
    feed(*model, sequence, kText);
    sequence.truncate(static_cast<std::int64_t>(keep));
    EXPECT_EQ(feed(*model, sequence, {kText.begin() + static_cast<std::ptrdiff_t>(keep), kText.end()}),
              last_logits(*model, kText))
        << keep;
  }
}

// Rejected drafts stay in the history that later n-grams are made of.
TEST(Traps, T02_RejectedDraftsAreForgotten) {
  const auto model = lite();
  lm::Sequence sequence(*model);
  feed(*model, sequence, kText);
  feed(*model, sequence, {40, 41, 42});
  sequence.truncate(static_cast<std::int64_t>(kText.size()) + 1);  // the first draft was right
  Ids accepted = kText;
  accepted.push_back(40);
  EXPECT_EQ(Ids(sequence.history().begin(), sequence.history().end()), accepted);
  accepted.push_back(43);
  EXPECT_EQ(feed(*model, sequence, {43}), last_logits(*model, accepted));
}

// An unfinished prompt chunk leaves a token that nobody chose.
TEST(Traps, T03_AnUnfinishedChunkAddsNothingToTheHistory) {
  const auto model = lite();
  const lm::Sequence sequence(*model);
  EXPECT_TRUE(feed(*model, sequence, {kText.begin(), kText.begin() + 6}, 0).empty());
  EXPECT_EQ(Ids(sequence.history().begin(), sequence.history().end()), Ids(kText.begin(), kText.begin() + 6));
  EXPECT_EQ(feed(*model, sequence, {kText.begin() + 6, kText.end()}), last_logits(*model, kText));
}

// A saved state without token ids: what comes after it reads wrong rows.
TEST(Traps, T04_TheHistoryIsAllThatASavedSequenceNeeds) {
  const auto model = lite();
  Ids saved;
  {
    const lm::Sequence sequence(*model);
    feed(*model, sequence, kText);
    saved.assign(sequence.history().begin(), sequence.history().end());
  }
  const auto other = lite();
  const lm::Sequence restored(*other);
  feed(*other, restored, saved, 0);
  Ids longer = kText;
  longer.push_back(21);
  EXPECT_EQ(feed(*other, restored, {21}), last_logits(*model, longer));
}

// A prompt shared by several sequences is recorded for the first of them only.
TEST(Traps, T05_EverySequenceOfASharedPromptKnowsIt) {
  const auto model = lite();
  const lm::Sequence trunk(*model);
  feed(*model, trunk, kText);
  std::vector<lm::Sequence> forks;
  for (int i = 0; i < 4; ++i) forks.push_back(trunk.fork(trunk.length()));
  for (TokenId i = 0; i < 4; ++i) {
    const lm::Sequence& fork = forks[static_cast<std::size_t>(i)];
    EXPECT_EQ(Ids(fork.history().begin(), fork.history().end()), kText);
    Ids whole = kText;
    whole.insert(whole.end(), {20 + i, 30});
    EXPECT_EQ(feed(*model, fork, {20 + i, 30}), last_logits(*model, whole)) << i;
  }
}

// Tokens before an EOS reach into n-grams behind it; or the EOS itself is cut off from its own segment.
TEST(Traps, T07_NothingCrossesAnEosInTheInputLayer) {
  const auto model = lite();
  const auto width = static_cast<std::size_t>(model->config().hidden_size);
  const auto row = [&](const Values& all, std::size_t t) {
    return Values(all.begin() + static_cast<std::ptrdiff_t>(t * width),
                  all.begin() + static_cast<std::ptrdiff_t>((t + 1) * width));
  };
  const Values a = embedded(*model, {10, 11, 2, 20, 21, 22, 23});
  const Values b = embedded(*model, {30, 31, 2, 20, 21, 22, 23});
  const Values alone = embedded(*model, {20, 21, 22, 23});
  for (std::size_t t = 3; t < 7; ++t) {
    EXPECT_EQ(row(a, t), row(b, t)) << t;
    EXPECT_EQ(row(a, t), row(alone, t - 3)) << t;
  }
  EXPECT_NE(row(a, 2), row(b, 2));  // the EOS belongs to the segment that it ends
  const Values eos = embedded(*model, {2, 2, 2, 20});
  EXPECT_EQ(row(eos, 0), row(eos, 1));
  EXPECT_EQ(row(eos, 1), row(eos, 2));
  EXPECT_EQ(row(eos, 3), row(alone, 0));
  // Token by token the window is one token long, and the history still counts.
  EXPECT_EQ(all_logits(*model, {2, 10, 2, 2, 11, 12, 2, 13}, 1),
            all_logits(*model, {2, 10, 2, 2, 11, 12, 2, 13}, 8));
}

// Rows of a batch are read with the wrong stride: the first is right, later ones are not.
TEST(Traps, T23_EveryRowOfABatchIsItsOwn) {
  const auto model = lite();
  const std::vector<Ids> texts = {{10}, {11, 2, 12}, {2}, {0, 0, 63, 63, 5}, {12, 11, 10, 9}};
  std::vector<lm::Sequence> sequences;
  std::vector<lm::Chunk> batch;
  for (const Ids& ids : texts) {
    sequences.emplace_back(*model);
    batch.push_back({sequences.back().id(), ids});
  }
  const lm::Logits logits = model->forward(batch);
  std::vector<Values> together;
  for (std::int64_t i = 0; i < logits.rows(); ++i)
    together.emplace_back(logits.row(i).begin(), logits.row(i).end());
  ASSERT_EQ(together.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(together[i], last_logits(*model, texts[i])) << i;
}

// A cold prompt keeps more digits than one that comes out of a cache, and the answers differ.
TEST(Traps, T25_AReusedPrefixAnswersLikeAColdOne) {
  for (const auto cache : {model::CacheFormat::f32, model::CacheFormat::bf16}) {
    const auto model = lite(cache);
    const lm::Sequence warm(*model);
    feed(*model, warm, {kText.begin(), kText.begin() + 9});
    for (const std::int64_t at : {9, 8, 4, 3, 1}) {
      const lm::Sequence reused = warm.fork(at);
      EXPECT_EQ(feed(*model, reused, {kText.begin() + at, kText.end()}), last_logits(*model, kText)) << at;
    }
  }
}

}  // namespace
}  // namespace nestor
