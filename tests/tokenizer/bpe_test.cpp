#include "tokenizer/bpe.h"

#include <gtest/gtest.h>

#include <map>

#include "base/random.h"

namespace nestor::tokenizer {
namespace {

using Ids = std::vector<TokenId>;

// The definition, as slow as it is plain: the pair of lowest rank, leftmost among equals, until none is left.
Ids plain_bpe(const BpeModel& model, std::string_view piece) {
  std::map<std::pair<TokenId, TokenId>, std::pair<std::size_t, TokenId>> merges;
  for (std::size_t rank = 0; rank < model.merges.size(); ++rank) {
    merges[{model.merges[rank].left, model.merges[rank].right}] = {rank, model.merges[rank].merged};
  }
  Ids ids;
  for (const char c : piece) {
    for (const ModelToken& token : model.tokens) {
      if (token.content == std::string(1, c)) ids.push_back(token.id);
    }
  }
  while (true) {
    auto best = merges.end();
    std::size_t place = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto merge = merges.find({ids[i], ids[i + 1]});
      if (merge != merges.end() && (best == merges.end() || merge->second.first < best->second.first)) {
        best = merge;
        place = i;
      }
    }
    if (best == merges.end()) return ids;
    ids[place] = best->second.second;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  }
}

// Draws numbers one after the other.
class Dice {
 public:
  explicit Dice(std::uint64_t key) : key_(key) {}
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(uniform(key_, counter_++, 0) * static_cast<double>(n));
  }

 private:
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

BpeModel random_model(Dice& dice) {
  BpeModel model;
  std::map<std::string, TokenId> ids;
  const auto id_of = [&](const std::string& content) {
    const auto [at, is_new] = ids.emplace(content, static_cast<TokenId>(ids.size()));
    if (is_new) model.tokens.push_back({content, at->second});
    return at->second;
  };
  for (const char* letter : {"a", "b", "c"}) id_of(letter);
  for (int i = 0; i < 60; ++i) {
    const std::string left = model.tokens[dice.below(model.tokens.size())].content;
    const std::string right = model.tokens[dice.below(model.tokens.size())].content;
    if (left.size() + right.size() > 12) continue;
    model.merges.push_back({id_of(left), id_of(right), id_of(left + right)});
  }
  return model;
}

TEST(Bpe, ShortAndLongPiecesFollowTheDefinition) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Dice dice(seed);
    const BpeModel model = random_model(dice);
    for (const PieceForm form : {PieceForm::bytes, PieceForm::characters}) {
      const Bpe bpe(model, form);
      Bpe::Scratch scratch;
      for (const std::size_t length : {1, 2, 3, 7, 20, 63, 64, 65, 66, 200, 600}) {
        std::string piece;
        while (piece.size() < length) piece += static_cast<char>('a' + dice.below(3));
        Ids ids;
        bpe.encode(piece, scratch, ids);
        ASSERT_EQ(ids, plain_bpe(model, piece)) << "seed " << seed << ", " << piece;
      }
    }
  }
}

TEST(Bpe, UnknownSymbols) {
  BpeModel model;
  model.tokens = {{"a", 0}, {"?", 1}, {"a?", 2}};
  model.merges = {{0, 1, 2}};
  const auto ids = [&](std::string_view piece) {
    Ids out;
    Bpe::Scratch scratch;
    Bpe(model, PieceForm::bytes).encode(piece, scratch, out);
    return out;
  };
  EXPECT_EQ(ids("axxa"), (Ids{0, 0})) << "without an unknown token they vanish";
  model.unknown_token.emplace("?");
  EXPECT_EQ(ids("axxa"), (Ids{2, 1, 0}));
  model.unknown_runs = UnknownRuns::fused;
  EXPECT_EQ(ids("axxaxx"), (Ids{2, 2}));
}

TEST(Bpe, WholePieces) {
  BpeModel model;
  model.tokens = {{"a", 0}, {"b", 1}, {"ab", 2}};
  Bpe::Scratch scratch;
  Ids ids;
  Bpe(model, PieceForm::bytes).encode("ab", scratch, ids);
  EXPECT_EQ(ids, (Ids{0, 1})) << "no merge builds it";
  model.whole_pieces = WholePieces::looked_up;
  ids.clear();
  Bpe(model, PieceForm::bytes).encode("ab", scratch, ids);
  EXPECT_EQ(ids, (Ids{2}));
}

TEST(Bpe, TheLaterOfTwoEqualMergesGivesTheRank) {
  BpeModel model;
  model.tokens = {{"a", 0}, {"b", 1}, {"c", 2}, {"ab", 3}, {"bc", 4}};
  model.merges = {{0, 1, 3}, {1, 2, 4}, {0, 1, 3}};
  Bpe::Scratch scratch;
  Ids ids;
  Bpe(model, PieceForm::bytes).encode("abc", scratch, ids);
  EXPECT_EQ(ids, (Ids{0, 4}));
}

}  // namespace
}  // namespace nestor::tokenizer
