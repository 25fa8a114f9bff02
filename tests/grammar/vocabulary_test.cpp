#include "grammar/vocabulary.h"

#include <gtest/gtest.h>

#include <set>

#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"
#include "random_schema.h"
#include "support/paths.h"
#include "support/refusal.h"
#include "tokenizer/tokenizer.h"

namespace nestor::grammar::testing {
namespace {

TEST(Vocabulary, TheTreeHoldsEveryToken) {
  const auto vocabulary = small_vocabulary();
  std::vector<std::string> path(vocabulary->longest() + 1);
  std::set<std::pair<std::string, TokenId>> found, expected;
  const auto nodes = vocabulary->nodes();
  for (std::uint32_t i = 1; i < nodes.size(); ++i) {
    path[nodes[i].depth] = path[nodes[i].depth - 1U] + static_cast<char>(nodes[i].byte);
    EXPECT_GT(nodes[i].end, i);
    EXPECT_LE(nodes[i].end, nodes.size());
    EXPECT_TRUE(nodes[i].end == nodes.size() || nodes[nodes[i].end].depth <= nodes[i].depth);
    for (const TokenId id : vocabulary->tokens_at(i)) found.emplace(path[nodes[i].depth], id);
  }
  for (const auto& token : small_tokens()) expected.emplace(token.bytes, token.id);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(vocabulary->control("<longcat_think>"), kFirstControl + 6);
  EXPECT_EQ(vocabulary->bytes_of(kStop), "");
  EXPECT_EQ(vocabulary->bytes_of(99'999), "");
}

TEST(Vocabulary, OfATokenizer) {
  const auto tokenizer =
      tokenizer::Tokenizer::load(nestor::testing::test_data_folder() / "tokenizer/story/tokenizer.json");
  const std::vector<TokenId> stop = {*tokenizer.id_of("</longcat_s>")};
  const auto vocabulary = std::make_shared<const Vocabulary>(tokenizer, stop);
  EXPECT_EQ(vocabulary->id_limit(), tokenizer.max_id() + 1);
  GrammarConstraint constraint(Grammar::any_json_object(), vocabulary);
  const std::string text = "{\"name\": \"Zo\xC3\xAB\", \"tags\": [1, true]}";
  std::vector<std::uint64_t> mask;
  for (const TokenId id :
       tokenizer.encode(text, tokenizer::PostProcess::omit, tokenizer::ControlTokens::nowhere())) {
    mask.assign((static_cast<std::size_t>(vocabulary->id_limit()) + 63) / 64, 0);
    constraint.allowed(mask);
    ASSERT_TRUE(mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1);
    constraint.accept(id);
  }
  EXPECT_TRUE(constraint.must_end());
}

TEST(Vocabulary, RefusesWhatCannotWork) {
  const std::vector<TokenId> stop = {kStop}, none, negative = {-1};
  auto tokens = small_tokens();
  EXPECT_REFUSED(Vocabulary(tokens, {}, none), ErrorKind::usage, "stop token");
  EXPECT_REFUSED(Vocabulary(tokens, {}, negative), ErrorKind::usage, "negative");
  std::erase_if(tokens, [](const auto& token) { return token.bytes == "\xE2"; });
  EXPECT_REFUSED(Vocabulary(tokens, {}, stop), ErrorKind::unsupported, "0xe2");
}

TEST(GrammarConstraint, RefusesMisuse) {
  const auto vocabulary = small_vocabulary();
  GrammarConstraint constraint(Grammar::any_json_object(), vocabulary);
  std::vector<std::uint64_t> small(1, 0);
  EXPECT_REFUSED(constraint.allowed(small), ErrorKind::usage, "a mask of 64 bits");
  EXPECT_REFUSED(constraint.rewind(1), ErrorKind::usage, "cannot go back");
  EXPECT_REFUSED(constraint.rewind(-1), ErrorKind::usage, "cannot go back");
  for (const TokenId id : {kStop, kFirstControl, TokenId{-1}, TokenId{1 << 30}, TokenId{100 + ' '}}) {
    EXPECT_REFUSED(constraint.accept(id), ErrorKind::usage, "does not allow the token");
  }
  constraint.accept(100 + '{');
  constraint.accept(100 + '}');
  constraint.accept(kStop);
  constraint.accept(kStop);
  EXPECT_REFUSED(constraint.accept(100 + '{'), ErrorKind::usage, "does not allow the token");
  constraint.rewind(3);
  constraint.accept(100 + ' ');
}

}  // namespace
}  // namespace nestor::grammar::testing
