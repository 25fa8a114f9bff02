// Eq. 3 of the paper in whole numbers: every sum is exact, so each result has one right value in every kernel
// set.
#include "ngram/embedding.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "number_store.h"
#include "quant/matrix.h"
#include "support/kernel_sets.h"
#include "support/refusal.h"

namespace nestor::ngram {
namespace {

using Floats = std::vector<float>;
using Ids = std::vector<TokenId>;

constexpr TokenId kEos = 2;
// Tables of 49, 51, 53 and 55 rows, two for pairs and two for triples.
constexpr config::NgramSpec kTables = {.order = 3, .splits = 2, .ratio = 1.5, .vocab_size = 32};

Ids mixed_tokens(std::size_t count) {
  Ids ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<TokenId>(i * i % 31 + i % 2));
  return ids;
}

// An embedding with `table_width` columns in each of its four tables, and what it has to compute.
class Words {
 public:
  Words(std::int64_t table_width, Events& events)
      : table_width_(table_width), hash_(std::make_shared<hash::NgramHash>(kTables, Ids{kEos})) {
    const std::int64_t tables = kTables.tables();
    for (std::int64_t i = 0; i < tables * width() * table_width; ++i) {
      projections_.push_back(static_cast<float>(i * 5 % 7 - 3));
    }
    std::vector<Table> made;
    for (std::int64_t table = 0; table < tables; ++table) {
      auto rows =
          std::make_unique<NumberStore>(kTables.rows(table), table_width, static_cast<int>(table), events);
      tables_.push_back(rows.get());
      made.push_back(
          {std::move(rows), quant::matrix_view(projection(table), quant::Format::f32, width(), table_width)});
    }
    auto words = std::make_unique<NumberStore>(kTables.vocab_size, width(), 4, events);
    words_ = words.get();
    embedding_.emplace(std::move(words), hash_, std::move(made));
  }

  std::int64_t width() const { return kTables.tables() * table_width_; }
  const NgramEmbedding& embedding() const { return *embedding_; }

  // Tokens [first, end) of each history, sequence after sequence.
  Floats embedded(const kernels::Context& ctx, const std::vector<Ids>& histories,
                  std::size_t first = 0) const {
    Lookup lookup;
    for (const Ids& history : histories) lookup.add(history, first);
    Floats out(lookup.words().size() * static_cast<std::size_t>(width()), 77.0F);
    embedding_->embed(ctx, lookup, {out.data(), width()});
    return out;
  }

  // By plain loops.
  Floats expected(const Ids& history, std::size_t first = 0) const {
    Floats out;
    std::vector<std::int64_t> rows(tables_.size());
    for (std::size_t i = first; i < history.size(); ++i) {
      hash_->rows_at(history, i, rows);
      for (std::int64_t k = 0; k < width(); ++k) {
        float sum = words_->value(history[i], k);
        for (std::size_t table = 0; table < rows.size(); ++table) {
          const float* row = projection(static_cast<std::int64_t>(table)) + k * table_width_;
          for (std::int64_t c = 0; c < table_width_; ++c)
            sum += row[c] * tables_[table]->value(rows[table], c);
        }
        out.push_back(sum / 5.0F);
      }
    }
    return out;
  }

  std::int64_t row_of(const Ids& history, std::size_t table) const {
    std::vector<std::int64_t> rows(tables_.size());
    hash_->rows_at(history, history.size() - 1, rows);
    return rows[table];
  }

 private:
  const float* projection(std::int64_t table) const {
    return projections_.data() + table * width() * table_width_;
  }

  std::int64_t table_width_;
  std::shared_ptr<const hash::NgramHash> hash_;
  Floats projections_;
  std::vector<const NumberStore*> tables_;
  const NumberStore* words_ = nullptr;
  std::optional<NgramEmbedding> embedding_;
};

class Embedding : public ::testing::TestWithParam<std::string> {
 protected:
  kernels::Team team{2};
  kernels::Arena arena;
  kernels::Work work;
  kernels::Context ctx{kernels::select_set(GetParam(), cpu_info()), team, arena, work};
  Events events;
};

TEST_P(Embedding, WordsAlone) {
  auto store = std::make_unique<NumberStore>(10, 3, 0, events);
  const NumberStore& words = *store;
  const NgramEmbedding embedding(std::move(store));
  const Ids history = {4, 9, 1};
  Lookup lookup;
  lookup.add(history, 1);
  Floats out(6);
  embedding.embed(ctx, lookup, {out.data(), 3});
  EXPECT_EQ(out, (Floats{words.value(9, 0), words.value(9, 1), words.value(9, 2), words.value(1, 0),
                         words.value(1, 1), words.value(1, 2)}));
}

TEST_P(Embedding, TheMeanOfTheWordAndTheProjectedRows) {
  for (const std::int64_t table_width : {1, 3, 7, 8, 9, 15, 16, 17, 33, 130}) {
    const Words words(table_width, events);
    for (const std::size_t count : {1U, 2U, 3U, 7U, 16U, 17U, 33U}) {
      const Ids ids = mixed_tokens(count);
      EXPECT_EQ(words.embedded(ctx, {ids}), words.expected(ids))
          << count << " rows, tables of " << table_width;
    }
  }
}

// 128 rows are projected together.
TEST_P(Embedding, LongStepsArePutTogetherFromParts) {
  const Words words(5, events);
  for (const std::size_t count : {127U, 128U, 129U, 256U, 300U}) {
    EXPECT_EQ(words.embedded(ctx, {mixed_tokens(count)}), words.expected(mixed_tokens(count))) << count;
  }
}

TEST_P(Embedding, SequencesOfOneStepSeeOnlyTheirOwnHistory) {
  const Words words(3, events);
  const Ids one = mixed_tokens(9), two = {7, 7, 7, 7}, three = {31, 0, 31};
  Floats expected = words.expected(one, 2);
  for (const Ids& other : {two, three}) {
    const Floats own = words.expected(other, 2);
    expected.insert(expected.end(), own.begin(), own.end());
  }
  EXPECT_EQ(words.embedded(ctx, {one, two, three}, 2), expected);
}

// Every pair of tokens, which is every row of the first table, the first and the last too, and most of them
// many times.
TEST_P(Embedding, RowsAtTheBordersOfTablesAndRowsThatRepeat) {
  const Words words(2, events);
  std::vector<Ids> pairs;
  std::set<std::int64_t> rows;
  Floats expected;
  for (TokenId a = 0; a < kTables.vocab_size; ++a) {
    for (TokenId b = 0; b < kTables.vocab_size; ++b) {
      pairs.push_back({a, b});
      rows.insert(words.row_of(pairs.back(), 0));
      const Floats own = words.expected(pairs.back(), 1);
      expected.insert(expected.end(), own.begin(), own.end());
    }
  }
  ASSERT_EQ(*rows.begin(), 0);
  ASSERT_EQ(*rows.rbegin(), kTables.rows(0) - 1);
  EXPECT_EQ(words.embedded(ctx, pairs, 1), expected);
}

TEST_P(Embedding, ASegmentBeginsAnewAfterASeparator) {
  const Words words(3, events);
  const Ids segment = {9, 10, 11};
  const Ids before_it = {5, 6, kEos, 9, 10, 11};
  const Ids two_before = {5, kEos, kEos, 9, 10, 11};
  const Floats fresh = words.embedded(ctx, {segment});
  EXPECT_EQ(words.embedded(ctx, {before_it}, 3), fresh);
  EXPECT_EQ(words.embedded(ctx, {two_before}, 3), fresh);
  // The separator itself still belongs to what it ends.
  EXPECT_NE(words.embedded(ctx, {{5, 6, kEos}}, 2), words.embedded(ctx, {{kEos}}));
}

TEST_P(Embedding, TruncatedAndAppendedEqualsFresh) {
  const Words words(3, events);
  const Ids whole = mixed_tokens(12);
  const Floats fresh = words.embedded(ctx, {whole});
  const auto width = words.width();
  for (std::size_t keep = 0; keep < whole.size(); ++keep) {
    Ids history(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(keep));
    history.insert(history.end(), {kEos, 30, 29});
    words.embedded(ctx, {history}, keep);  // drafts that are rejected
    history = whole;
    EXPECT_EQ(words.embedded(ctx, {history}, keep),
              Floats(fresh.begin() + static_cast<std::ptrdiff_t>(keep) * width, fresh.end()))
        << keep;
  }
}

// A slow table keeps nobody from asking the others: the disk works on all of them at once.
TEST_P(Embedding, AllTablesAreAskedBeforeOneIsWaitedFor) {
  const Words words(3, events);
  words.embedded(ctx, {mixed_tokens(5)});
  const auto waits = [](const std::string& call) { return !call.starts_with("begin"); };
  const auto first = std::find_if(events.calls.begin(), events.calls.end(), waits);
  EXPECT_EQ(first - events.calls.begin(), 5) << "four tables and the words";
  EXPECT_TRUE(std::all_of(first, events.calls.end(), waits));
}

TEST_P(Embedding, AStoreThatFailsLeavesNothingBehind) {
  const Words words(3, events);
  const Ids ids = mixed_tokens(40);
  const Floats expected = words.embedded(ctx, {ids});
  const std::size_t held = arena.bytes();
  for (const std::string call : {"begin", "middle", "finish"}) {
    for (int store = 0; store <= 4; ++store) {
      events = {.fails = call + " " + std::to_string(store)};
      EXPECT_REFUSED(words.embedded(ctx, {ids}), ErrorKind::io, "the disk is gone");
      EXPECT_EQ(events.calls.back(), events.fails) << "nothing is asked after an error";
      events = {};
      EXPECT_EQ(words.embedded(ctx, {ids}), expected) << call << " of store " << store;
      EXPECT_EQ(arena.bytes(), held);
    }
  }
}

TEST_P(Embedding, ReadsAreSummedByTier) {
  const Words words(3, events);
  const RowReads word = words.embedding().word_reads(), ngrams = words.embedding().ngram_reads();
  EXPECT_EQ(std::vector({word.memory, word.disk, word.unknown}), (std::vector<std::uint64_t>{5, 40, 400}));
  EXPECT_EQ(std::vector({ngrams.memory, ngrams.disk, ngrams.unknown}),
            (std::vector<std::uint64_t>{10, 60, 600}));
}

INSTANTIATE_TEST_SUITE_P(Sets, Embedding, ::testing::ValuesIn(testing::kernel_sets()),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace nestor::ngram
