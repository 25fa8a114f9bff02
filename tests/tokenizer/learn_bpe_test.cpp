// Learning merges: an example by hand, a plain learner that counts everything anew for each merge, and the
// edges.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/random.h"
#include "support/refusal.h"
#include "support/silent_progress.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/learn_bpe.h"

namespace nestor::tokenizer {
namespace {

using Pieces = std::vector<CountedPiece>;

LearnedBpe learn(const Pieces& pieces, std::size_t tokens, std::int64_t min_count = 1,
                 std::unordered_set<std::string> reserved = {}) {
  testing::SilentProgress progress;
  return learn_bpe(pieces, {tokens, min_count, std::move(reserved)}, progress, {});
}

// The tokens after the bytes.
std::vector<std::string> learned(const LearnedBpe& bpe) {
  return {bpe.tokens.begin() + 256, bpe.tokens.end()};
}

std::vector<std::array<TokenId, 3>> rules(const LearnedBpe& bpe) {
  std::vector<std::array<TokenId, 3>> out;
  for (const MergeRule& m : bpe.merges) out.push_back({m.left, m.right, m.merged});
  return out;
}

// The definition, without any bookkeeping between merges.
class PlainLearner {
 public:
  PlainLearner(const Pieces& pieces, const std::vector<std::string>& bytes) {
    out_.tokens = bytes;
    for (const CountedPiece& piece : pieces) {
      std::vector<TokenId> word;
      for (const char b : piece.bytes) word.push_back(id_of(std::string(1, b)));
      words_.emplace_back(std::move(word), piece.count);
    }
  }

  LearnedBpe run(std::size_t tokens, std::int64_t min_count,
                 const std::unordered_set<std::string>& reserved) {
    while (out_.tokens.size() < tokens) {
      std::map<std::pair<TokenId, TokenId>, std::int64_t> counts;
      for (const auto& [word, count] : words_) {
        for (std::size_t i = 0; i + 1 < word.size(); ++i) counts[{word[i], word[i + 1]}] += count;
      }
      std::erase_if(counts, [&](const auto& entry) {
        return entry.second < min_count || reserved.contains(joined(entry.first));
      });
      if (counts.empty()) break;
      // The first of the largest, in the ascending order of pairs.
      const auto best = std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
      merge(best->first);
    }
    out_.text_tokens = 0;
    for (const auto& [word, count] : words_) {
      out_.text_tokens += count * static_cast<std::int64_t>(word.size());
    }
    return out_;
  }

 private:
  TokenId id_of(const std::string& bytes) const {
    const auto found = std::ranges::find(out_.tokens, bytes);
    return found == out_.tokens.end() ? -1 : static_cast<TokenId>(found - out_.tokens.begin());
  }

  std::string joined(std::pair<TokenId, TokenId> pair) const {
    return out_.tokens[static_cast<std::size_t>(pair.first)] +
           out_.tokens[static_cast<std::size_t>(pair.second)];
  }

  void merge(std::pair<TokenId, TokenId> pair) {
    ASSERT_LT(id_of(joined(pair)), 0) << "learned twice: " << joined(pair);
    const auto merged = static_cast<TokenId>(out_.tokens.size());
    out_.tokens.push_back(joined(pair));
    out_.merges.push_back({pair.first, pair.second, merged});
    for (auto& [word, count] : words_) {
      std::vector<TokenId> after;
      for (std::size_t i = 0; i < word.size(); ++i) {
        const bool here = i + 1 < word.size() && word[i] == pair.first && word[i + 1] == pair.second;
        after.push_back(here ? merged : word[i]);
        if (here) ++i;
      }
      word = std::move(after);
    }
  }

  std::vector<std::pair<std::vector<TokenId>, std::int64_t>> words_;
  LearnedBpe out_;
};

// Random pieces of 1 to `longest` letters of an alphabet; few letters make ties and overlaps.
Pieces random_pieces(std::uint64_t seed, std::size_t letters, std::size_t longest, std::size_t count) {
  Pieces pieces;
  std::uint64_t drawn = 0;
  const auto below = [&](std::size_t n) {
    return static_cast<std::size_t>(uniform(seed, drawn++, 0) * static_cast<double>(n));
  };
  for (std::size_t i = 0; i < count; ++i) {
    CountedPiece piece{"", static_cast<std::int64_t>(1 + below(4))};
    for (std::size_t n = 1 + below(longest); n > 0; --n) {
      piece.bytes += static_cast<char>(letters == 256 ? below(256) : 'a' + below(letters));
    }
    pieces.push_back(piece);
  }
  return pieces;
}

TEST(LearnBpe, TheBytesComeInTheOrderOfTheirCharacters) {
  const LearnedBpe bpe = learn({}, 256);
  ASSERT_EQ(bpe.tokens.size(), 256U);
  EXPECT_EQ(bpe.tokens[0], "!");
  EXPECT_EQ(bpe.tokens[93], "~");
  EXPECT_EQ(bpe.tokens[94], "\xA1");
  EXPECT_EQ(bpe.tokens[187], "\xFF");
  EXPECT_EQ(bpe.tokens[188], std::string(1, '\0'));
  EXPECT_EQ(bpe.tokens[220], " ");
  EXPECT_EQ(bpe.tokens[255], "\xAD");
  for (std::size_t i = 1; i < 256; ++i) {
    EXPECT_LT(character_of(static_cast<unsigned char>(bpe.tokens[i - 1][0])),
              character_of(static_cast<unsigned char>(bpe.tokens[i][0])));
  }
}

// hug 10, pug 5, pun 12, bun 4, hugs 5. Pairs at first: hu 15, ug 20, pu 17, un 16, bu 4, gs 5.
// ug (20): h+ug 15, p+ug 5, p+u 12, un 16, bu 4, ug+s 5. un (16): p+un 12, b+un 4.
// h+ug (15) makes ug+s into hug+s. p+un (12). Then p+ug 5 and hug+s 5: p is the lower id. Last b+un 4.
TEST(LearnBpe, AnExampleByHand) {
  const Pieces pieces = {{"hug", 10}, {"pug", 5}, {"pun", 12}, {"bun", 4}, {"hugs", 5}};
  const LearnedBpe bpe = learn(pieces, 1000);
  EXPECT_EQ(learned(bpe), (std::vector<std::string>{"ug", "un", "hug", "pun", "pug", "hugs", "bun"}));
  EXPECT_EQ(bpe.merges.size(), 7U);
  EXPECT_EQ(bpe.text_tokens, 10 + 5 + 12 + 4 + 5);
  // After ug, un and hug: hug 1, p ug 2, p un 2, b un 2, hug s 2 tokens.
  EXPECT_EQ(learn(pieces, 259).text_tokens, 10 + 2 * 5 + 2 * 12 + 2 * 4 + 2 * 5);
}

// "aaaaa" holds aa four times but makes two of them; then aa aa a: the pairs (a... are (aa, aa) and (aa, a),
// once each, and (aa, a) has the lower right id.
TEST(LearnBpe, OverlapsMergeFromTheLeft) {
  EXPECT_EQ(learned(learn({{"aaaaa", 1}}, 257)), (std::vector<std::string>{"aa"}));
  EXPECT_EQ(learn({{"aaaaa", 1}}, 257).text_tokens, 3);
  EXPECT_EQ(learned(learn({{"aaaaa", 1}}, 1000)), (std::vector<std::string>{"aa", "aaa", "aaaaa"}));
}

// ab stands 3 times as two pieces of 2 and 1, cd 3 times in one place each; a is lower than c.
TEST(LearnBpe, EqualCountsGoByTheLowerIds) {
  EXPECT_EQ(learned(learn({{"cd", 3}, {"ab", 2}, {"ab", 1}}, 1000)), (std::vector<std::string>{"ab", "cd"}));
  EXPECT_EQ(learned(learn({{"ad", 1}, {"ac", 1}, {"ab", 1}}, 1000)),
            (std::vector<std::string>{"ab", "ac", "ad"}));
}

TEST(LearnBpe, RarePairsDoNotMerge) {
  const Pieces pieces = {{"ab", 3}, {"cd", 2}, {"ef", 1}};
  EXPECT_EQ(learned(learn(pieces, 1000, 2)), (std::vector<std::string>{"ab", "cd"}));
  EXPECT_EQ(learned(learn(pieces, 1000, 3)), (std::vector<std::string>{"ab"}));
  EXPECT_EQ(learned(learn(pieces, 1000, 4)), (std::vector<std::string>{}));
}

TEST(LearnBpe, ReservedBytesAreNoToken) {
  const Pieces pieces = {{"abc", 5}, {"bc", 1}};
  EXPECT_EQ(learned(learn(pieces, 1000)), (std::vector<std::string>{"bc", "abc"}));
  EXPECT_EQ(learned(learn(pieces, 1000, 1, {"abc"})), (std::vector<std::string>{"bc"}));
  EXPECT_EQ(learned(learn(pieces, 1000, 1, {"bc"})), (std::vector<std::string>{"ab", "abc"}));
}

TEST(LearnBpe, EqualsThePlainLearner) {
  for (std::uint64_t seed = 0; seed < 240; ++seed) {
    SCOPED_TRACE(seed);
    const std::size_t letters = std::array<std::size_t, 4>{1, 2, 3, 256}[seed % 4];
    const std::size_t longest = std::array<std::size_t, 3>{3, 17, 60}[seed / 4 % 3];
    const Pieces pieces = random_pieces(seed, letters, longest, 1 + seed % 33);
    const std::size_t tokens = 256 + std::array<std::size_t, 3>{1, 16, 90}[seed / 12 % 3];
    const auto min_count = static_cast<std::int64_t>(1 + seed % 3);
    const std::unordered_set<std::string> reserved = {"ab", "aaa"};
    const LearnedBpe expected = PlainLearner(pieces, learn({}, 256).tokens).run(tokens, min_count, reserved);
    const LearnedBpe bpe = learn(pieces, tokens, min_count, reserved);
    EXPECT_EQ(bpe.tokens, expected.tokens);
    EXPECT_EQ(rules(bpe), rules(expected));
    EXPECT_EQ(bpe.text_tokens, expected.text_tokens);
  }
}

TEST(LearnBpe, TheOrderOfPiecesDoesNotMatter) {
  Pieces pieces = random_pieces(7, 3, 20, 100);
  const LearnedBpe bpe = learn(pieces, 320);
  std::ranges::reverse(pieces);
  EXPECT_EQ(rules(learn(pieces, 320)), rules(bpe));
}

TEST(LearnBpe, EmptyPiecesAndCountsOfNothing) {
  EXPECT_EQ(learn({{"", 5}, {"ab", 0}}, 1000).merges.size(), 0U);
  EXPECT_EQ(learn({{"", 5}, {"a", 3}}, 1000).text_tokens, 3);
}

// Each merge halves a run, so a place is looked at a bounded number of times; a learner that walks whole
// pieces for every merge would take minutes here.
TEST(LearnBpe, LongPiecesTakeNoLongerThanShortOnes) {
  const Pieces one = random_pieces(3, 256, 400000, 1);
  ASSERT_GT(one[0].bytes.size(), 100000U);
  EXPECT_EQ(learned(learn(one, 256 + 4000)).size(), 4000U);
}

TEST(LearnBpe, Misuse) {
  EXPECT_REFUSED(learn({}, 255), ErrorKind::usage, "255");
  EXPECT_REFUSED(learn({}, 300, 0), ErrorKind::usage, "minimum");
  const std::int64_t much = std::int64_t{1} << 60;
  EXPECT_REFUSED(learn({{"ab", much}, {"abc", much}}, 300), ErrorKind::limit, "2^62");
}

TEST(LearnBpe, StopsWhenAsked) {
  testing::SilentProgress progress;
  std::stop_source source;
  source.request_stop();
  EXPECT_REFUSED(learn_bpe({{"ab", 1}}, {300, 1, {}}, progress, source.get_token()), ErrorKind::cancelled,
                 "interrupted");
}

}  // namespace
}  // namespace nestor::tokenizer
