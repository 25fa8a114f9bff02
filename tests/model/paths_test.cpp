// Equality of paths: however the same tokens get into a sequence, the logits are the same bits, in every
// kernel set and whatever the number of threads (each output has one order of additions).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "kernels/registry.h"
#include "kernels/work.h"
#include "lm/sequence.h"
#include "support/golden.h"
#include "support/kernel_sets.h"
#include "support/refusal.h"

namespace nestor {
namespace {

using testing::all_logits;

// A kernel set and a format of the cache. The reference is slow, and computes row by row from decoded values:
// one format will do for it, and for sets that multiply like another but for their weights.
struct Engine {
  std::string kernels;
  model::CacheFormat cache;
};

std::vector<Engine> engines() {
  std::vector<Engine> all;
  for (const auto name : kernels::runnable_sets(cpu_info())) {
    for (const auto cache : {model::CacheFormat::f32, model::CacheFormat::bf16, model::CacheFormat::q8}) {
      if (name != "reference" || cache == model::CacheFormat::f32) all.push_back({std::string(name), cache});
    }
  }
  for (const std::string& name : testing::rounding_sets()) all.push_back({name, model::CacheFormat::f32});
  return all;
}

class Paths : public ::testing::TestWithParam<std::tuple<std::string, Engine>> {
 protected:
  std::unique_ptr<model::Model> open(int threads = 2) {
    const auto& [golden, engine] = GetParam();
    return testing::open_model(testing::golden_folder(golden), engine.kernels, threads, engine.cache);
  }
  // The longest case: 200 tokens with separators in awkward places, over several pages of the cache.
  std::vector<TokenId> ids() {
    const auto cases = testing::golden_cases(std::get<0>(GetParam()));
    return std::max_element(cases.begin(), cases.end(),
                            [](const auto& a, const auto& b) { return a.ids.size() < b.ids.size(); })
        ->ids;
  }
};

TEST_P(Paths, TokenByTokenChunkedAndWholeAreTheSameBits) {
  const auto model = open();
  const auto whole = all_logits(*model, ids(), 1000);
  for (const std::size_t chunk : {1U, 7U, 64U, 65U}) {
    EXPECT_EQ(all_logits(*model, ids(), chunk), whole) << "chunks of " << chunk;
  }
}

TEST_P(Paths, TheLastRowsAreThoseOfAll) {
  const auto model = open();
  auto some = ids();
  some.resize(21);
  const auto all = all_logits(*model, some, some.size());
  for (const std::int64_t wanted : {0, 1, 2, 20, 21}) {
    const lm::Sequence sequence(*model);
    const lm::Chunk chunk{sequence.id(), some, wanted};
    const lm::Logits rows = model->forward({&chunk, 1});
    ASSERT_EQ(rows.rows(), wanted);
    for (std::int64_t i = 0; i < wanted; ++i) {
      EXPECT_TRUE(
          std::ranges::equal(rows.row(i), lm::Logits(all, model->info().vocab_size).row(21 - wanted + i)));
    }
  }
  for (const std::int64_t wanted : {-1, 22}) {
    const lm::Sequence sequence(*model);
    const lm::Chunk chunk{sequence.id(), some, wanted};
    EXPECT_REFUSED(model->forward({&chunk, 1}), ErrorKind::usage, "rows of logits of 21 tokens");
    EXPECT_EQ(sequence.length(), 0);
  }
}

// Of tokens without logits the last layer computes what attention remembers, and nothing else.
TEST_P(Paths, TokensWithoutLogitsAreRememberedAlike) {
  const auto model = open();
  const auto all = ids();
  const auto whole = all_logits(*model, all, 1000);
  const lm::Logits rows(whole, model->info().vocab_size);
  const auto last = std::ssize(all) - 1;
  for (const std::int64_t chunk : {1, 13, 64, 199}) {
    const lm::Sequence sequence(*model);
    for (std::int64_t begin = 0; begin < last; begin += chunk) {
      const auto count = static_cast<std::size_t>(std::min(chunk, last - begin));
      const lm::Chunk piece{sequence.id(), std::span(all).subspan(static_cast<std::size_t>(begin), count), 0};
      EXPECT_EQ(model->forward({&piece, 1}).rows(), 0);
    }
    const lm::Chunk piece{sequence.id(), std::span(all).last(1), 1};
    EXPECT_TRUE(std::ranges::equal(model->forward({&piece, 1}).row(0), rows.row(last))) << chunk;
  }
}

TEST_P(Paths, RowsThatNobodyWantsCostLess) {
  const auto model = open();
  const auto all = ids();
  const auto products = [&](std::int64_t logits) {
    const lm::Sequence sequence(*model);
    const kernels::Work before = model->work();
    const lm::Chunk chunk{sequence.id(), all, logits};
    model->forward({&chunk, 1});
    return model->work().since(before).products();
  };
  const auto& config = model->config();
  const std::int64_t rows = std::ssize(all), head = config.vocab_size * config.hidden_size;
  // Between all and one: logits, and of a layer at least its second MLP.
  EXPECT_LT(products(1), products(rows) - (rows - 1) * (head + config.hidden_size * config.ffn_hidden_size));
  EXPECT_LT(products(0), products(1) - head);
}

TEST_P(Paths, ThreadsDoNotChangeABit) {
  const auto whole = all_logits(*open(1), ids(), 1000);
  for (const int threads : {2, 3}) EXPECT_EQ(all_logits(*open(threads), ids(), 50), whole) << threads;
}

TEST_P(Paths, AMixedBatchEqualsEachSequenceAlone) {
  const auto model = open();
  const auto all = ids();
  // Five sequences of different lengths; in each step they advance by different numbers of tokens, some not
  // at all.
  const std::vector<std::vector<TokenId>> texts = {all,
                                                   {all.begin() + 3, all.begin() + 90},
                                                   {all[5]},
                                                   {all.begin() + 60, all.begin() + 73},
                                                   {all.rbegin(), all.rend()}};
  std::vector<lm::Sequence> sequences;
  for (std::size_t i = 0; i < texts.size(); ++i) sequences.emplace_back(*model);
  std::vector<std::vector<float>> together(texts.size());
  std::vector<std::size_t> done(texts.size());
  for (std::size_t step = 1; std::any_of(
           texts.begin(), texts.end(),
           [&](const auto& t) { return done[static_cast<std::size_t>(&t - texts.data())] < t.size(); });
       ++step) {
    std::vector<lm::Chunk> batch;
    std::vector<std::size_t> who;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::size_t n = std::min((step * 7 + i * 5) % 11, texts[i].size() - done[i]);
      if (n == 0) continue;
      batch.push_back(
          {sequences[i].id(), std::span(texts[i]).subspan(done[i], n), static_cast<std::int64_t>(n)});
      who.push_back(i);
      done[i] += n;
    }
    if (batch.empty()) continue;
    const lm::Logits logits = model->forward(batch);
    std::int64_t row = 0;
    for (std::size_t b = 0; b < batch.size(); ++b) {
      for (std::size_t k = 0; k < batch[b].ids.size(); ++k, ++row) {
        together[who[b]].insert(together[who[b]].end(), logits.row(row).begin(), logits.row(row).end());
      }
    }
  }
  for (std::size_t i = 0; i < texts.size(); ++i)
    EXPECT_EQ(together[i], all_logits(*model, texts[i], 1000)) << i;
}

TEST_P(Paths, TruncateAndReplayEqualsFresh) {
  const auto model = open();
  const auto all = ids();
  const auto whole = all_logits(*model, all, 1000);
  const auto width = static_cast<std::size_t>(model->info().vocab_size);
  lm::Sequence sequence(*model);
  const auto feed = [&](std::span<const TokenId> part) {
    const std::vector<lm::Chunk> batch = {{sequence.id(), part}};
    const auto row = model->forward(batch).row(0);
    return std::vector<float>(row.begin(), row.end());
  };
  feed(std::span(all).first(130));
  for (const std::size_t keep : {129U, 128U, 127U, 64U, 63U, 36U, 35U, 34U, 1U, 0U}) {
    sequence.truncate(static_cast<std::int64_t>(keep));
    const std::vector<TokenId> wrong = {all[keep + 1], all[keep]};  // drafted tokens that are then rejected
    feed(wrong);
    sequence.truncate(static_cast<std::int64_t>(keep));
    const auto row = feed(std::span(all).subspan(keep, 131 - keep));
    EXPECT_TRUE(std::equal(row.begin(), row.end(), whole.begin() + static_cast<std::ptrdiff_t>(130 * width)))
        << keep;
  }
}

TEST_P(Paths, ForksShareAPrefixAndThenGoTheirOwnWay) {
  const auto model = open();
  const auto all = ids();
  lm::Sequence trunk(*model);
  const std::vector<lm::Chunk> prefix = {{trunk.id(), std::span(all).first(100), 0}};
  EXPECT_EQ(model->forward(prefix).rows(), 0);
  for (const std::int64_t at : {100, 99, 65, 64, 63, 1, 0}) {
    std::vector<TokenId> text(all.begin(), all.begin() + at);
    text.insert(text.end(), all.rbegin(), all.rbegin() + 20);
    const lm::Sequence fork = trunk.fork(at);
    const std::vector<lm::Chunk> batch = {{fork.id(), std::span(text).subspan(static_cast<std::size_t>(at))}};
    const auto row = model->forward(batch).row(0);
    const std::vector<float> forked(row.begin(), row.end());
    const auto alone = all_logits(*model, text, 1000);
    EXPECT_TRUE(
        std::equal(forked.begin(), forked.end(), alone.end() - static_cast<std::ptrdiff_t>(forked.size())));
  }
  const std::vector<lm::Chunk> rest = {{trunk.id(), std::span(all).subspan(100)}};
  const auto last = model->forward(rest).row(0);
  const std::vector<float> row(last.begin(), last.end());
  const auto whole = all_logits(*model, all, 1000);
  EXPECT_TRUE(std::equal(row.begin(), row.end(), whole.end() - static_cast<std::ptrdiff_t>(row.size())));
}

TEST_P(Paths, ClosedSequencesGiveTheirPagesBack) {
  const auto model = open();
  { all_logits(*model, ids(), 50); }
  EXPECT_EQ(model->memory().pages_in_use, 0);
}

std::string name_of(const ::testing::TestParamInfo<std::tuple<std::string, Engine>>& test) {
  constexpr std::array kCaches = {"f32", "bf16", "q8"};
  const auto& [golden, engine] = test.param;
  return golden + "_" + engine.kernels + "_" + kCaches[static_cast<std::size_t>(engine.cache)];
}

INSTANTIATE_TEST_SUITE_P(All, Paths,
                         ::testing::Combine(::testing::ValuesIn(testing::golden_names()),
                                            ::testing::ValuesIn(engines())),
                         name_of);

}  // namespace
}  // namespace nestor
