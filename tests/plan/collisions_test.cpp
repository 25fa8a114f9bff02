// Counts equal those of a brute force over the rows of NgramHash, bit for bit, whatever the memory.
#include "plan/collisions.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "hash/ngram_hash.h"
#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "support/silent_progress.h"
#include "tiny_corpus.h"

namespace nestor::plan {
namespace {

using corpus::Shards;
using corpus::Split;
using namespace nestor::testing;

// Zipf-like ids, with the id 0 that looks like a missing predecessor, and with EOS inside a document.
std::vector<std::vector<TokenId>> random_documents(std::int64_t vocab, std::size_t documents, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::vector<TokenId>> out(documents);
  for (auto& document : out) {
    for (std::size_t n = random() % 90; n > 0; --n) {
      const double u = static_cast<double>(random()) / 4294967296.0;
      document.push_back(static_cast<TokenId>(u * u * u * static_cast<double>(vocab)));
    }
  }
  return out;
}

Shards corpus_of(const ScratchFolder& scratch, const TinyCorpus& corpus) {
  return Shards(write_tiny(scratch.path() / "corpus", corpus), Split::train);
}

CollisionReport counted(const Shards& shards, const CollisionRequest& request) {
  SilentProgress progress;
  return count_collisions(shards, request, progress, {});
}

// A table by maps and sets, its rows by the hash of the model: the order's first table has ratio V + 2 (n -
// 2) K
// + 1 rows, and with N = n and K = 1 the last one is the order's.
TableCounts brute_force(const Shards& shards, std::int64_t order, std::int64_t rows, std::int64_t splits,
                        std::int64_t tokens) {
  std::vector<TokenId> ids(static_cast<std::size_t>(tokens));
  shards.read(0, ids);
  std::map<std::vector<TokenId>, std::int64_t> positions;  // of each n-gram
  std::map<std::vector<TokenId>, std::vector<std::int64_t>> rows_of;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::vector<TokenId> ngram(static_cast<std::size_t>(order), 0);
    for (std::size_t k = 0; k < ngram.size() && k <= i; ++k) {
      if (k > 0 && ids[i - k] == kEos) break;
      ngram[k] = ids[i - k];
    }
    ++positions[ngram];
    for (std::int64_t split = 0; split < splits && rows_of[ngram].size() < static_cast<std::size_t>(splits);
         ++split) {
      const config::NgramSpec spec = {.order = order,
                                      .splits = 1,
                                      .ratio = static_cast<double>(rows + 2 * split - 2 * (order - 2) - 1) /
                                                   static_cast<double>(shards.vocab_size()) +
                                               1e-9,
                                      .vocab_size = shards.vocab_size()};
      EXPECT_EQ(spec.rows(order - 2), rows + 2 * split);
      const hash::NgramHash hash(spec, {kEos});
      std::vector<std::int64_t> out(static_cast<std::size_t>(hash.tables()));
      hash.rows_at(ids, i, out);
      rows_of[ngram].push_back(out.back());
    }
  }
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> uses;  // n-grams and positions of each row
  std::set<std::vector<std::int64_t>> joint;
  for (const auto& [ngram, count] : positions) {
    auto& use = uses[rows_of[ngram].front()];
    use.first += 1;
    use.second += count;
    joint.insert(rows_of[ngram]);
  }
  TableCounts counts = {.order = order,
                        .rows = rows,
                        .distinct = static_cast<std::int64_t>(positions.size()),
                        .touched = static_cast<std::int64_t>(uses.size()),
                        .joint_collisions = static_cast<std::int64_t>(positions.size() - joint.size())};
  std::vector<std::int64_t> busy;
  for (const auto& [row, use] : uses) {
    counts.heaviest = std::max(counts.heaviest, use.first);
    if (use.first == 1) counts.own_positions += use.second;
    busy.push_back(use.second);
  }
  std::sort(busy.rbegin(), busy.rend());
  busy.resize(static_cast<std::size_t>(rows), 0);
  for (std::int64_t i = 0; i < (rows + 9) / 10; ++i)
    counts.busiest_tenth += busy[static_cast<std::size_t>(i)];
  for (std::int64_t i = 0; i < (rows + 99) / 100; ++i)
    counts.busiest_percent += busy[static_cast<std::size_t>(i)];
  return counts;
}

void expect_like_brute_force(const Shards& shards, const CollisionRequest& request) {
  const CollisionReport report = counted(shards, request);
  const std::int64_t tokens = request.tokens == 0 ? shards.tokens() : request.tokens;
  EXPECT_EQ(report.positions, tokens);
  std::size_t at = 0;
  for (std::int64_t order = 2; order <= request.max_order; ++order) {
    for (const std::int64_t rows : request.rows) {
      ASSERT_LT(at, report.tables.size());
      const TableCounts& got = report.tables[at++];
      const TableCounts expected = brute_force(shards, order, rows, request.splits, tokens);
      EXPECT_EQ(got, expected) << order << "-grams, " << rows << " rows: " << got.distinct << " distinct, "
                               << got.touched << " touched, " << got.own_positions << " own, joint "
                               << got.joint_collisions << "; expected " << expected.distinct << ", "
                               << expected.touched << ", " << expected.own_positions << ", "
                               << expected.joint_collisions;
    }
  }
  EXPECT_EQ(at, report.tables.size());
}

class CollisionsInBytes : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(CollisionsInBytes, EqualABruteForce) {
  for (const std::int64_t vocab : {2, 50, 1024, 70000}) {
    const ScratchFolder scratch;
    const Shards shards = corpus_of(scratch, {.train = random_documents(vocab, 40, 3),
                                              .heldout = {{0}},
                                              .vocab_size = vocab,
                                              .tokens_per_file = 500});
    // Around multiples of the vocabulary, and with factors in common for joint collisions.
    expect_like_brute_force(shards, {.rows = {9, 3 * vocab, 3 * vocab + 1, 12}, .bytes = GetParam()});
    expect_like_brute_force(
        shards, {.rows = {10, 24}, .max_order = 3, .splits = 3, .tokens = 77, .bytes = GetParam()});
  }
}

// 16 bytes a row: what one table of 3 * 70000 + 1 rows needs is the least.
INSTANTIATE_TEST_SUITE_P(All, CollisionsInBytes, ::testing::Values(16 * 210001, std::uint64_t{1} << 30));

TEST(Collisions, LittleMemoryCostsPasses) {
  const ScratchFolder scratch;
  const Shards shards = corpus_of(scratch, {.train = random_documents(1000, 200, 5), .heldout = {{0}}});
  const CollisionRequest little = {.rows = {900, 1001, 1001}, .max_order = 5, .bytes = 16 * 1001};
  CollisionRequest much = little;
  much.bytes = 1 << 30;
  const CollisionReport a = counted(shards, little), b = counted(shards, much);
  EXPECT_EQ(a.tables, b.tables);
  EXPECT_EQ(b.passes, 8);  // for each order one over distinct n-grams and one over rows
  EXPECT_GT(a.passes, 8 * 3);
  expect_like_brute_force(shards, little);
}

// By hand: documents 5 6 and 5, then EOS (id 1): positions 5, 6 after 5, 1 after 6, 5, 1 after 5.
TEST(Collisions, TheEndCountsAndSoDoesTheStart) {
  const ScratchFolder scratch;
  const Shards shards = corpus_of(scratch, {.train = {{5, 6}, {5}}, .heldout = {{0}}, .vocab_size = 10});
  const CollisionReport report = counted(shards, {.rows = {100, 10}, .max_order = 2});
  ASSERT_EQ(report.tables.size(), 2u);
  // 2-grams as numbers: 5, 56, 61, 5, 51: four distinct; modulo 10: 5, 6, 1, 5, 1.
  EXPECT_EQ(report.tables[0].distinct, 4);
  EXPECT_EQ(report.tables[0].touched, 4);
  EXPECT_EQ(report.tables[0].own_positions, 5);
  EXPECT_EQ(report.tables[1].collisions(), 1);
  EXPECT_EQ(report.tables[1].heaviest, 2);
  EXPECT_EQ(report.tables[1].own_positions, 3);
  EXPECT_DOUBLE_EQ(report.tables[1].hit_rate(), 0.3);
}

TEST(Collisions, AnEmptySplitHasNone) {
  const ScratchFolder scratch;
  const Shards shards = corpus_of(scratch, {.train = {}, .heldout = {{5}}});
  for (const TableCounts& table : counted(shards, {.rows = {7}}).tables) {
    EXPECT_EQ(table.distinct, 0);
    EXPECT_EQ(table.random_collisions(), 0);
  }
}

TEST(Collisions, RandomOnesAreThoseOfBallsInBoxes) {
  const TableCounts one = {.rows = 1, .distinct = 5}, two = {.rows = 2, .distinct = 2};
  EXPECT_DOUBLE_EQ(one.random_collisions(), 4);
  EXPECT_DOUBLE_EQ(two.random_collisions(), 0.5);
}

// Zipf-like 2-grams of ids in the order of frequency: a whole multiple has several times the collisions of a
// random hash, a size far from fractions no more than that. Renumbered at random, the spike is gone.
TEST(Collisions, SpikeAtWholeMultiplesUnlessIdsAreRandom) {
  constexpr std::int64_t kVocab = 1024;
  std::vector<std::vector<TokenId>> documents = random_documents(kVocab, 600, 9);
  const auto excess = [&](std::int64_t rows) {
    const ScratchFolder scratch;
    const Shards shards = corpus_of(scratch, {.train = documents, .heldout = {{0}}, .vocab_size = kVocab});
    const CollisionReport report = counted(shards, {.rows = {rows}, .max_order = 2});
    return std::pair(
        static_cast<double>(report.tables[0].collisions()) / report.tables[0].random_collisions(),
        report.ids_at_random());
  };
  EXPECT_GT(excess(30 * kVocab).first, 1.3);
  EXPECT_FALSE(excess(30 * kVocab).second);
  EXPECT_NEAR(excess(30 * kVocab + 391).first, 1, 0.15);
  for (auto& document : documents) {
    for (TokenId& id : document) id = static_cast<TokenId>((id * 5 + 77) * 401 % kVocab);
  }
  EXPECT_TRUE(excess(30 * kVocab).second);
}

TEST(Collisions, RefuseWhatCannotBe) {
  const ScratchFolder scratch;
  const Shards shards = corpus_of(scratch, {.train = {{5}}, .heldout = {{0}}, .vocab_size = 131072});
  EXPECT_REFUSED(counted(shards, {.rows = {0}}), ErrorKind::usage, "a table has 1 to 2147483648 rows, not 0");
  EXPECT_REFUSED(counted(shards, {.rows = {1}, .max_order = 1}), ErrorKind::usage, "at least 2 ids");
  EXPECT_REFUSED(counted(shards, {.rows = {1}, .max_order = 8}), ErrorKind::usage, "up to 7");
  EXPECT_REFUSED(counted(shards, {.rows = {1}, .splits = 0}), ErrorKind::usage, "at least one table");
  EXPECT_REFUSED(counted(shards, {.rows = {1000}, .bytes = 15999}), ErrorKind::limit, "1000 takes");
  std::stop_source stop;
  stop.request_stop();
  SilentProgress progress;
  EXPECT_REFUSED(count_collisions(shards, {.rows = {1}}, progress, stop.get_token()), ErrorKind::cancelled,
                 "stopped");
}

}  // namespace
}  // namespace nestor::plan
