// The loader against what an epoch must be, counted token by token on corpora small enough to enumerate.
#include "corpus/loader.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "support/refusal.h"
#include "support/scratch_folder.h"
#include "tiny_corpus.h"

namespace nestor::testing {
namespace {

using corpus::Batch;
using corpus::Loader;
using corpus::LoaderOptions;
using corpus::Shards;
using corpus::Split;

struct Shape {
  std::vector<std::int64_t> lengths;  // of documents, EOS included
  std::int64_t window, rows;
};

bool operator==(const Batch& a, const Batch& b) {
  return a.rows == b.rows && a.window == b.window && a.ids == b.ids && a.targets == b.targets &&
         a.second_targets == b.second_targets && a.segments == b.segments && a.positions == b.positions;
}

class LoaderOverShapes : public ::testing::TestWithParam<Shape> {
 protected:
  LoaderOverShapes()
      : folder_(write_tiny(scratch_.path() / "corpus",
                           {.train = documents_of(GetParam().lengths), .heldout = {}})),
        shards_(folder_, Split::train) {}

  LoaderOptions options(std::uint64_t seed = 7) const {
    return {.window = GetParam().window, .rows = GetParam().rows, .seed = seed};
  }

  // Of which document an id is, by its value; EOS is of none. And what follows an id in its document.
  std::map<TokenId, TokenId> followers() const {
    std::map<TokenId, TokenId> out;
    for (const auto& document : documents_of(GetParam().lengths)) {
      for (std::size_t i = 0; i < document.size(); ++i) {
        out[document[i]] = i + 1 < document.size() ? document[i + 1] : kEos;
      }
    }
    return out;
  }

  ScratchFolder scratch_;
  std::filesystem::path folder_;
  Shards shards_;
};

TEST_P(LoaderOverShapes, EveryTokenOfAnEpochIsScoredOnce) {
  const Loader loader(shards_, options());
  const std::int64_t tokens = shards_.tokens(), T = GetParam().window, B = GetParam().rows;
  ASSERT_EQ(loader.windows_per_epoch(), (tokens + T - 1) / T);
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    std::map<TokenId, int> as_target;
    int unscored = 0;
    for (std::int64_t w = 0; w < loader.windows_per_epoch(); ++w) {
      const std::int64_t place = epoch * loader.windows_per_epoch() + w;
      const Batch batch = loader.batch(place / B);
      for (std::int64_t t = 0; t < T; ++t) {
        const TokenId target = batch.targets[static_cast<std::size_t>(place % B * T + t)];
        if (target >= 0) ++as_target[target];
        unscored += target < 0;
      }
    }
    // Documents are 2 3 4 EOS, 5 6 EOS, ...: all ids but the first of each document once, EOS once for each
    // document that holds more than its EOS.
    int with_text = 0;
    for (const auto& document : documents_of(GetParam().lengths)) {
      with_text += !document.empty();
      for (std::size_t i = 0; i < document.size(); ++i) EXPECT_EQ(as_target[document[i]], i > 0 ? 1 : 0) << i;
    }
    EXPECT_EQ(as_target[kEos], with_text);
    // Not scored: after every EOS, and what fills the last window.
    EXPECT_EQ(unscored, shards_.documents() + loader.windows_per_epoch() * T - tokens);
  }
}

TEST_P(LoaderOverShapes, TargetsSegmentsAndPositionsAgreeWithTheDocuments) {
  const Loader loader(shards_, options());
  const auto follower = followers();
  for (std::int64_t n = 0; n < 3 * loader.batches_per_epoch(); ++n) {
    const Batch batch = loader.batch(n);
    ASSERT_EQ(batch.ids.size(), static_cast<std::size_t>(GetParam().rows * GetParam().window));
    for (std::size_t i = 0; i < batch.ids.size(); ++i) {
      const bool row_start = i % static_cast<std::size_t>(GetParam().window) == 0;
      if (row_start) {
        EXPECT_EQ(batch.segments[i], 0);
        EXPECT_EQ(batch.positions[i], 0);
      } else {
        const bool same = batch.segments[i] == batch.segments[i - 1];
        EXPECT_EQ(batch.segments[i], batch.segments[i - 1] + (same ? 0 : 1));
        EXPECT_EQ(batch.positions[i], same ? batch.positions[i - 1] + 1 : 0);
        if (batch.ids[i - 1] == kEos) {
          EXPECT_FALSE(same);
        }
        if (same) {
          EXPECT_EQ(batch.ids[i], follower.at(batch.ids[i - 1]));
        }
        if (same && batch.targets[i - 1] >= 0) {
          EXPECT_EQ(batch.targets[i - 1], batch.ids[i]);
        }
      }
      const TokenId target = batch.targets[i], second = batch.second_targets[i];
      if (batch.ids[i] == kEos) {
        EXPECT_EQ(target, -1);
      } else if (target >= 0) {
        EXPECT_EQ(target, follower.at(batch.ids[i]));
        EXPECT_EQ(second, target == kEos ? -1 : follower.at(target));
      }
      if (target < 0) {
        EXPECT_EQ(second, -1);
      }
    }
  }
}

TEST_P(LoaderOverShapes, BatchesDoNotDependOnTheOrderOfCalls) {
  const Loader one(shards_, options());
  const std::int64_t count = 4 * one.batches_per_epoch() + 1;
  std::vector<Batch> forwards;
  for (std::int64_t n = 0; n < count; ++n) forwards.push_back(one.batch(n));
  const Loader other(shards_, options());
  for (std::int64_t n = count; n-- > 0;)
    EXPECT_TRUE(other.batch(n) == forwards[static_cast<std::size_t>(n)]) << n;
}

TEST_P(LoaderOverShapes, RowsAreTheSameForAnyBatchSize) {
  const Loader loader(shards_, options());
  LoaderOptions single = options();
  single.rows = 1;
  const Loader rows(shards_, single);
  const std::int64_t B = GetParam().rows;
  for (std::int64_t n = 0; n < 2 * loader.batches_per_epoch(); ++n) {
    std::vector<TokenId> ids;
    for (std::int64_t r = 0; r < B; ++r) {
      const Batch row = rows.batch(n * B + r);
      ids.insert(ids.end(), row.ids.begin(), row.ids.end());
    }
    EXPECT_EQ(loader.batch(n).ids, ids);
  }
}

INSTANTIATE_TEST_SUITE_P(All, LoaderOverShapes,
                         ::testing::Values(Shape{{4, 3, 9, 2, 1, 7}, 4, 2}, Shape{{4, 3, 9, 2, 1, 7}, 1, 3},
                                           Shape{{4, 3, 9, 2, 1, 7}, 5, 1}, Shape{{33}, 8, 3},
                                           Shape{{32}, 8, 2}, Shape{{1}, 3, 2}, Shape{{1, 1, 1, 1, 1}, 2, 2},
                                           Shape{{5, 3}, 50, 2}, Shape{{2, 2, 2, 2, 2, 2, 2}, 2, 3},
                                           Shape{{100, 1, 64, 17, 3}, 16, 4}));

// A longer corpus of 60 documents, for what is true of random orders.
class LongLoader : public ::testing::Test {
 protected:
  LongLoader()
      : shards_(write_tiny(scratch_.path() / "corpus", {.train = documents_of(lengths()), .heldout = {}}),
                Split::train) {}

  static std::vector<std::int64_t> lengths() {
    std::vector<std::int64_t> out(60);
    std::iota(out.begin(), out.end(), 2);
    for (std::int64_t& n : out) n = 2 + n * 7 % 23;
    return out;
  }

  std::vector<TokenId> epoch(std::uint64_t seed, std::int64_t number) const {
    const Loader loader(shards_, {.window = 8, .rows = 1, .seed = seed});
    std::vector<TokenId> ids;
    for (std::int64_t w = 0; w < loader.windows_per_epoch(); ++w) {
      const Batch batch = loader.batch(number * loader.windows_per_epoch() + w);
      ids.insert(ids.end(), batch.ids.begin(), batch.ids.end());
    }
    return ids;
  }

  ScratchFolder scratch_;
  Shards shards_;
};

TEST_F(LongLoader, EpochsAndSeedsDiffer) {
  const auto first = epoch(1, 0);
  EXPECT_EQ(first, epoch(1, 0));
  EXPECT_NE(first, epoch(1, 1));
  EXPECT_NE(first, epoch(2, 0));
}

TEST_F(LongLoader, WindowsOfOneDocumentAreSpread) {
  // One document of 10 windows among single ones: the rows that follow each other must not all be its.
  ScratchFolder scratch;
  std::vector<std::int64_t> lengths(10, 16);
  lengths[0] = 160;
  const Shards shards(write_tiny(scratch.path() / "corpus", {.train = documents_of(lengths), .heldout = {}}),
                      Split::train);
  const Loader loader(shards, {.window = 16, .rows = 1, .seed = 3});
  int neighbours = 0;
  for (std::int64_t n = 1; n < loader.windows_per_epoch(); ++n) {
    const Batch a = loader.batch(n - 1), b = loader.batch(n);
    neighbours += a.targets.back() >= 0 && a.targets.back() == b.ids.front();
  }
  EXPECT_LT(neighbours, 4);  // in document order it would be 9
}

TEST(Loader, RefusesWhatMakesNoBatch) {
  const ScratchFolder scratch;
  const auto folder = write_tiny(scratch.path() / "corpus", {.train = {{5, 6}}, .heldout = {}});
  const Shards train(folder, Split::train), heldout(folder, Split::heldout);
  EXPECT_REFUSED(Loader(heldout, {}), ErrorKind::bad_input, "the split heldout is empty");
  EXPECT_REFUSED(Loader(train, {.window = 0}), ErrorKind::usage, "0 tokens");
  EXPECT_REFUSED(Loader(train, {.rows = -1}), ErrorKind::usage, "-1 rows");
  EXPECT_REFUSED(Loader(train, {.window = std::int64_t{1} << 62, .rows = 4}), ErrorKind::usage, "4 rows");
  EXPECT_REFUSED(Loader(train, {.window = 4, .rows = 2}).batch(-1), ErrorKind::usage, "batch -1");
}

TEST(Loader, RowsWrittenOutByHand) {
  // 5 6 EOS in windows of two: 5 6, and EOS with the 5 once more to fill the row.
  const ScratchFolder scratch;
  const Shards shards(write_tiny(scratch.path() / "corpus", {.train = {{5, 6}}}), Split::train);
  const Batch both = Loader(shards, {.window = 2, .rows = 2}).batch(0);
  const std::size_t full = both.ids[0] == 5 ? 0 : 2, last = 2 - full;
  const auto row = [](const auto& values, std::size_t at) {
    return std::vector(&values[at], &values[at + 1] + 1);
  };
  EXPECT_EQ(row(both.ids, full), (std::vector<TokenId>{5, 6}));
  EXPECT_EQ(row(both.targets, full), (std::vector<TokenId>{6, kEos}));
  EXPECT_EQ(row(both.second_targets, full), (std::vector<TokenId>{kEos, -1}));
  EXPECT_EQ(row(both.segments, full), (std::vector<std::int32_t>{0, 0}));
  EXPECT_EQ(row(both.positions, full), (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(row(both.ids, last), (std::vector<TokenId>{kEos, 5}));
  EXPECT_EQ(row(both.targets, last), (std::vector<TokenId>{-1, -1}));
  EXPECT_EQ(row(both.second_targets, last), (std::vector<TokenId>{-1, -1}));
  EXPECT_EQ(row(both.segments, last), (std::vector<std::int32_t>{0, 1}));
  EXPECT_EQ(row(both.positions, last), (std::vector<std::int32_t>{0, 0}));
}

}  // namespace
}  // namespace nestor::testing
