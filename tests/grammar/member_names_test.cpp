// No object gets two members of one name, however the text is cut into tokens.
#include "grammar/member_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"
#include "random_schema.h"

namespace nestor::grammar::testing {
namespace {

// Whether an object of the document has two members of one name, found by a JSON parser.
bool has_repetition(const std::string& text) {
  std::vector<std::set<std::string>> open;
  bool repeated = false;
  const auto callback = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key) repeated |= !open.back().insert(parsed.get<std::string>()).second;
    return true;
  };
  const Json read = Json::parse(text, callback);
  return repeated && read.is_object();
}

TEST(MemberNames, AreSeenAcrossCutsEscapesAndLevels) {
  const auto repeats = [](std::string_view before, std::string_view next) {
    MemberNames names;
    names.push(before);
    return names.would_repeat(next);
  };
  EXPECT_TRUE(repeats(R"({"a": 1, ")", R"(a")"));
  EXPECT_TRUE(repeats(R"({"a": 1, "a)", R"(": 2)"));
  EXPECT_TRUE(repeats(R"({"a": 1)", R"(, "a":)"));
  EXPECT_TRUE(repeats(R"({"a": 1, "\u00)", R"(61")"));
  EXPECT_TRUE(repeats(R"({"a": {"b": [{}]}, "b": "x)", R"(", "a":)"));
  EXPECT_TRUE(repeats(R"({"a": {"b": 1)", R"(}, "a":)"));
  EXPECT_TRUE(repeats(R"([)", R"({"a":1,"a":2}])"));
  EXPECT_TRUE(repeats(R"({"\"": 1, ")", R"(\"")"));
  EXPECT_FALSE(repeats(R"({"a": 1, ")", R"(ab")"));
  EXPECT_FALSE(repeats(R"({"a": 1, ")", R"(a)"));
  EXPECT_FALSE(repeats(R"({"a": 1, "b": ")", R"(a")"));
  EXPECT_FALSE(repeats(R"({"a": {")", R"(a")"));
  EXPECT_FALSE(repeats(R"([{"a": 1)", R"(}, {"a":)"));
  EXPECT_FALSE(repeats(R"({"a": ["a)", R"(", "a"])"));
  EXPECT_FALSE(repeats(R"({"a": {"b": 1)", R"(}, "b":)"));
  EXPECT_FALSE(repeats(R"({"a\"": 1, "b)", R"(\", \"a")"));
}

// What is written need not be a text: half a surrogate pair is a name like others.
TEST(MemberNames, ThatAreNoTextsAreComparedAsWritten) {
  MemberNames names;
  names.push(R"({"\ud800": 1, ")");
  EXPECT_TRUE(names.would_repeat(R"(\ud800")"));
  EXPECT_FALSE(names.would_repeat(R"(\ud801")"));
  EXPECT_FALSE(names.would_repeat(R"(\udc00")"));
  names.push(std::string_view("\\n\xC3", 3));
  EXPECT_FALSE(names.would_repeat("\""));
  for (const char* text : {R"({"\ud800":1})", R"({"a":"\ud800"})", R"({"a":"\udc00"})"}) {
    EXPECT_EQ(Grammar::any_json_object()->matches(text), Json::accept(text)) << text;
  }
}

TEST(MemberNames, DifferInWhatGrammarsAccept) {
  const auto object = Grammar::any_json_object();
  EXPECT_TRUE(object->matches(R"({"a":1,"b":{"a":2},"c":[{"a":1},{"a":1}]})"));
  EXPECT_FALSE(object->matches(R"({"a":1,"a":2})"));
  EXPECT_FALSE(object->matches(R"({"b":{"a":1,"\u0061":2}})"));
  const auto numbers = Grammar::from_json_schema(
      Json{{"properties", {{"a", {{"const", 1}}}}}, {"additionalProperties", {{"type", "integer"}}}});
  EXPECT_TRUE(numbers->matches(R"({"a":1,"b":2,"c":2})"));
  EXPECT_FALSE(numbers->matches(R"({"a":1,"b":2,"b":2})"));
}

// Short names of few letters, so that a random walk meets the same one often.
TEST(MemberNames, DifferInRandomDocuments) {
  std::vector<Vocabulary::Entry> tokens = small_tokens();
  for (const char* piece : {",\"a\":1", "\"a\":{", "{\"a\":1,\"b\":1", "b\":1,\"a\"", "},\"a\":1"}) {
    tokens.push_back({static_cast<TokenId>(100 + tokens.size()), piece});
  }
  const std::vector<TokenId> stop = {kStop};
  const auto vocabulary = std::make_shared<const Vocabulary>(tokens, std::vector<Vocabulary::Entry>{}, stop);
  const std::string preferred = "ab\"{},:1";
  const auto grammar = Grammar::any_json_object();
  std::mt19937 random(8);
  int documents = 0, members = 0;
  for (int round = 0; round < 400; ++round) {
    GrammarConstraint constraint(grammar, vocabulary);
    std::string text;
    for (int step = 0; step < 200 && !constraint.must_end(); ++step) {
      std::vector<std::uint64_t> mask((static_cast<std::size_t>(vocabulary->id_limit()) + 63) / 64, 0);
      constraint.allowed(mask);
      std::vector<TokenId> ids;
      for (TokenId id = 0; id < vocabulary->id_limit(); ++id) {
        if ((mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) == 0) continue;
        const std::string_view bytes = vocabulary->bytes_of(id);
        if (bytes.find_first_not_of(preferred) == std::string_view::npos) ids.push_back(id);
      }
      ASSERT_FALSE(ids.empty()) << text;
      const TokenId id = ids[random() % ids.size()];
      constraint.accept(id);
      text += vocabulary->bytes_of(id);
    }
    if (!constraint.may_end()) continue;
    ++documents;
    members += static_cast<int>(std::count(text.begin(), text.end(), ':'));
    ASSERT_FALSE(has_repetition(text)) << text;
    ASSERT_TRUE(grammar->matches(text)) << text;
  }
  EXPECT_GT(documents, 100);
  EXPECT_GT(members, 3 * documents);
}

}  // namespace
}  // namespace nestor::grammar::testing
