// Random schemas: what the masks let through is valid, what is valid is let through however it is cut into
// tokens.
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"
#include "random_schema.h"
#include "validator.h"

namespace nestor::grammar::testing {
namespace {

using Mask = std::vector<std::uint64_t>;

Mask mask_of(GrammarConstraint& constraint, const Vocabulary& vocabulary) {
  Mask mask((static_cast<std::size_t>(vocabulary.id_limit()) + 63) / 64, 0);
  constraint.allowed(mask);
  return mask;
}

std::vector<TokenId> ids_of(const Mask& mask) {
  std::vector<TokenId> out;
  for (std::size_t word = 0; word < mask.size(); ++word) {
    for (std::uint64_t bits = mask[word]; bits != 0; bits &= bits - 1) {
      out.push_back(static_cast<TokenId>(word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits))));
    }
  }
  return out;
}

// What leads to the end: half of the time what closes something, where it can come.
TokenId choose_end(std::mt19937& random, const std::vector<TokenId>& ids, const Vocabulary& vocabulary) {
  if (ids.front() == kStop) return kStop;
  for (const char* close : {"\"", "}", "]"}) {
    if (random() % 2 == 0) continue;
    for (const TokenId id : ids) {
      if (vocabulary.bytes_of(id) == close) return id;
    }
  }
  return ids[random() % ids.size()];
}

Json schema_with_definition(std::mt19937& random, int depth) {
  Json schema = random_schema(random, depth);
  Json defined = random_schema(random, 1);
  // One that is nothing but a reference to itself says nothing.
  while (defined.contains("$ref")) defined = random_schema(random, 1);
  schema["$defs"]["d"] = {{"anyOf", Json::array({defined, {{"type", "null"}}, {{"type", "boolean"}}})}};
  return schema;
}

TEST(RandomWalk, GivesDocumentsThatSatisfyTheSchema) {
  std::mt19937 random(3);
  const auto vocabulary = small_vocabulary();
  for (int round = 0; round < 1'500; ++round) {
    const Json schema = schema_with_definition(random, 3);
    GrammarConstraint constraint(Grammar::from_json_schema(schema), vocabulary);
    std::string text;
    const unsigned free_steps = random() % 60;
    for (unsigned step = 0;; ++step) {
      ASSERT_LT(step, 3'000U) << to_text(schema) << "\n" << text;
      const std::vector<TokenId> ids = ids_of(mask_of(constraint, *vocabulary));
      ASSERT_FALSE(ids.empty()) << to_text(schema) << "\n" << text;
      ASSERT_EQ(ids.front() == kStop, constraint.may_end());
      const TokenId id =
          step < free_steps ? ids[random() % ids.size()] : choose_end(random, ids, *vocabulary);
      constraint.accept(id);
      if (id == kStop) break;
      text += vocabulary->bytes_of(id);
    }
    EXPECT_EQ(ids_of(mask_of(constraint, *vocabulary)), std::vector<TokenId>{kStop});
    const Json value = Json::parse(text, nullptr, false);
    ASSERT_FALSE(value.is_discarded()) << text;
    ASSERT_TRUE(satisfies(value, schema, schema)) << to_text(schema) << "\n" << text;
  }
}

// Compact, with single blanks, or with a line for each item.
std::string written(const Json& value, unsigned style) {
  if (style == 0) return to_text(value);
  if (style == 1) return to_text(value, 2);
  std::string out;
  bool in_string = false, escaped = false;
  for (const char c : to_text(value)) {
    out += c;
    if (in_string) {
      in_string = escaped || c != '"';
      escaped = !escaped && c == '\\';
    } else {
      in_string = c == '"';
      if (c == ',' || c == ':') out += ' ';
    }
  }
  return out;
}

TEST(RandomWalk, ValidDocumentsAreAcceptedHoweverTokenized) {
  std::mt19937 random(4);
  const auto vocabulary = small_vocabulary();
  const auto tokens = small_tokens();
  int documents = 0;
  for (int round = 0; round < 1'500; ++round) {
    const Json schema = schema_with_definition(random, 3);
    const auto document = random_document(random, schema, schema, 6);
    if (!document) continue;
    ASSERT_TRUE(satisfies(*document, schema, schema)) << to_text(schema) << "\n" << to_text(*document);
    const auto grammar = Grammar::from_json_schema(schema);
    const std::string text = written(*document, random() % 3);
    ASSERT_TRUE(grammar->matches(text)) << to_text(schema) << "\n" << text;
    GrammarConstraint constraint(grammar, vocabulary);
    for (std::size_t at = 0; at < text.size();) {
      std::vector<const Vocabulary::Entry*> fitting;
      for (const auto& token : tokens) {
        if (text.compare(at, token.bytes.size(), token.bytes) == 0) fitting.push_back(&token);
      }
      const auto& token = *fitting[random() % fitting.size()];
      const Mask mask = mask_of(constraint, *vocabulary);
      ASSERT_TRUE(mask[static_cast<std::size_t>(token.id) / 64] >> (token.id % 64) & 1)
          << text << " at " << at;
      constraint.accept(token.id);
      at += token.bytes.size();
    }
    ASSERT_TRUE(constraint.may_end());
    ++documents;
  }
  EXPECT_GT(documents, 800);
}

// The mask is exactly the set of tokens that can be accepted.
TEST(RandomWalk, MasksHoldExactlyWhatCanBeAccepted) {
  std::mt19937 random(5);
  const auto vocabulary = small_vocabulary();
  for (int round = 0; round < 60; ++round) {
    GrammarConstraint constraint(Grammar::from_json_schema(schema_with_definition(random, 2)), vocabulary);
    for (int step = 0; step < 15; ++step) {
      const std::vector<TokenId> ids = ids_of(mask_of(constraint, *vocabulary));
      std::vector<TokenId> accepted;
      for (TokenId id = 0; id < vocabulary->id_limit(); ++id) {
        try {
          constraint.accept(id);
          accepted.push_back(id);
          constraint.rewind(1);
        } catch (const Error& error) {
          EXPECT_EQ(error.kind(), ErrorKind::usage);
        }
      }
      ASSERT_EQ(ids, accepted);
      constraint.accept(ids[random() % ids.size()]);
    }
  }
}

TEST(RandomWalk, GoingBackEqualsAFreshStart) {
  std::mt19937 random(6);
  const auto vocabulary = small_vocabulary();
  for (int round = 0; round < 100; ++round) {
    const auto grammar = Grammar::from_json_schema(schema_with_definition(random, 3));
    GrammarConstraint constraint(grammar, vocabulary);
    std::vector<TokenId> history;
    for (int step = 0; step < 40; ++step) {
      if (random() % 4 == 0) {
        const std::size_t back = random() % (history.size() + 1);
        constraint.rewind(static_cast<std::int64_t>(back));
        history.resize(history.size() - back);
      }
      GrammarConstraint fresh(grammar, vocabulary);
      for (const TokenId id : history) fresh.accept(id);
      const Mask mask = mask_of(constraint, *vocabulary);
      ASSERT_EQ(mask, mask_of(fresh, *vocabulary));
      const std::vector<TokenId> ids = ids_of(mask);
      history.push_back(ids[random() % ids.size()]);
      constraint.accept(history.back());
    }
  }
}

// Far more states than are kept at once.
TEST(RandomWalk, LongTextsAreReadAgain) {
  const auto vocabulary = small_vocabulary();
  const Json schema = {
      {"type", "array"}, {"items", {{"type", "integer"}}}, {"minItems", 9'000}, {"maxItems", 9'001}};
  GrammarConstraint constraint(Grammar::from_json_schema(schema), vocabulary);
  const auto id = [&](char c) { return static_cast<TokenId>(100 + static_cast<unsigned char>(c)); };
  constraint.accept(id('['));
  for (int i = 1; i < 9'000; ++i) {
    constraint.accept(id('7'));
    constraint.accept(id(','));
  }
  constraint.accept(id('7'));
  constraint.accept(id(']'));
  EXPECT_TRUE(constraint.must_end());
  constraint.rewind(1);
  EXPECT_FALSE(constraint.may_end());
  constraint.accept(id(','));
  constraint.accept(id('7'));
  EXPECT_THROW(constraint.accept(id(',')), Error);
  constraint.accept(id(']'));
  EXPECT_TRUE(constraint.must_end());
}

}  // namespace
}  // namespace nestor::grammar::testing
