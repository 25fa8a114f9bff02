// Counting pieces: what the whole pre-tokenizer cuts, document by document.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "base/json.h"
#include "support/paths.h"
#include "support/refusal.h"
#include "tokenizer/count_pieces.h"
#include "tokenizer/longcat_family.h"

namespace nestor::tokenizer {
namespace {

std::map<std::string, std::int64_t> counts_of(const std::vector<std::string>& documents) {
  PieceCounter counter(longcat_pre_tokenizer());
  for (const std::string& document : documents) counter.add(document);
  std::map<std::string, std::int64_t> counts;
  for (const CountedPiece& piece : counter.take()) {
    EXPECT_TRUE(counts.emplace(piece.bytes, piece.count).second) << "listed twice: " << piece.bytes;
  }
  EXPECT_TRUE(counter.take().empty());
  return counts;
}

class Counting : public PieceSink {
 public:
  void take(std::string_view piece) override { ++counts[std::string(piece)]; }
  std::map<std::string, std::int64_t> counts;
};

std::vector<std::string> golden_texts() {
  const auto path = nestor::testing::test_data_folder() / "tokenizer" / "longcat" / "expected.json";
  std::vector<std::string> texts;
  const Json expected = read_json(path, 64 << 20);
  for (const Json& c : expected.at("cases")) texts.push_back(c.at("text"));
  return texts;
}

TEST(CountPieces, AnExampleByHand) {
  // East Asian writing is cut from its signs, digits stand alone, a blank goes with the word behind it.
  EXPECT_EQ(counts_of({"to be, or be", "121你好。你好"}),
            (std::map<std::string, std::int64_t>{
                {"to", 1}, {" be", 2}, {",", 1}, {" or", 1}, {"1", 2}, {"2", 1}, {"你好", 2}, {"。", 1}}));
}

// Stage by stage on distinct pieces is the same as all stages on the text.
TEST(CountPieces, EqualsThePreTokenizer) {
  const std::vector<std::string> texts = golden_texts();
  ASSERT_GT(texts.size(), 200U);
  const PreTokenizer whole(longcat_pre_tokenizer());
  auto scratch = whole.new_scratch();
  Counting expected;
  for (const std::string& text : texts) whole.run(text, scratch, expected);
  EXPECT_EQ(counts_of(texts), expected.counts);
}

TEST(CountPieces, OneStageWillDo) {
  std::vector<PreTokenizerStage> stages;
  stages.push_back(ByteLevel{PrefixSpace::add, Regex("\\w+| \\w+", "test")});
  PieceCounter counter(std::move(stages));
  counter.add("a a");
  counter.add("a");
  const auto pieces = counter.take();
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].bytes, " a");
  EXPECT_EQ(pieces[0].count, 3);
}

TEST(CountPieces, Misuse) {
  PieceCounter counter(longcat_pre_tokenizer(), 10);
  EXPECT_REFUSED(counter.add("abc\xFFz"), ErrorKind::bad_input, "at byte 3");
  counter.add("word word word word");
  EXPECT_REFUSED(counter.add(" another"), ErrorKind::limit, "10 bytes of distinct");
  EXPECT_REFUSED(PieceCounter({}), ErrorKind::usage, "ByteLevel");
}

}  // namespace
}  // namespace nestor::tokenizer
