// What one schema may cost, in steps and bytes that are counted: nothing here looks at a clock. A test that
// goes on for minutes has failed.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"
#include "random_schema.h"
#include "support/refusal.h"

namespace nestor::grammar::testing {
namespace {

Json parsed(const std::string& text) { return parse_json(text, "test"); }

/// "[x0,x1,...]" of what `item` makes of each number.
template <typename Item>
std::string list(int count, Item item) {
  std::string out = "[";
  for (int i = 0; i < count; ++i) out += (i > 0 ? "," : "") + std::string(item(i));
  return out + "]";
}

/// {"name0": ..., "name1": ...}
template <typename Item>
std::string object(int count, const char* name, Item item) {
  std::string out = "{";
  for (int i = 0; i < count; ++i) out += fmt::format("{}\"{}{}\":{}", i > 0 ? "," : "", name, i, item(i));
  return out + "}";
}

/// Two lists that have to hold together.
std::string both(const std::string& a, const std::string& b) {
  return fmt::format(R"({{"allOf":[{},{}]}})", a, b);
}

// What used to grow with the square of what is given, or worse.
TEST(Bounds, JoiningTakesAsMuchAsThereIs) {
  const auto compiles = [](const std::string& text, std::uint64_t steps) {
    const auto refusal =
        nestor::testing::refusal_of([&] { Grammar::from_json_schema(parsed(text), {.steps = steps}); });
    EXPECT_FALSE(refusal) << text.substr(0, 100) << ": " << refusal->message;
  };
  const auto types = [&](const char* one, const char* other) {
    return fmt::format(R"({{"type":{}}})", list(1'500, [&](int i) { return i % 2 == 0 ? one : other; }));
  };
  compiles(both(types("\"string\"", "\"null\""), types("\"null\"", "\"string\"")), 2'000'000);
  compiles(both(types("\"number\"", "\"integer\""), types("\"integer\"", "\"integer\"")), 2'000'000);
  compiles(types("\"number\"", "\"integer\""), 100'000);

  const auto values = [&](int from, int count) {
    return fmt::format(R"({{"enum":{}}})", list(count, [&](int i) { return fmt::format("{}", from + i); }));
  };
  compiles(both(values(0, 40'000), values(39'990, 40'000)), 40'000'000);
  const auto names = [&](int from, int count) {
    return fmt::format(R"({{"required":{}}})",
                       list(count, [&](int i) { return fmt::format("\"n{}\"", from + i); }));
  };
  compiles(both(names(0, 500), names(250, 500)), 10'000'000);
  compiles(fmt::format(R"({{"properties":{},"required":{}}})", object(3'000, "n", [](int) { return "{}"; }),
                       list(3'000, [](int i) { return fmt::format("\"n{}\"", i); })),
           10'000'000);
  const auto properties = [](const char* name) {
    return fmt::format(R"({{"properties":{}}})",
                       object(2'000, name, [](int) { return R"({"type":"null"})"; }));
  };
  compiles(both(properties("a"), properties("b")), 40'000'000);
  compiles(both(properties("a"), properties("a")), 40'000'000);
  compiles(fmt::format(R"({{"$ref":"#/$defs/d0","$defs":{}}})",
                       object(5'000, "d",
                              [](int i) {
                                return fmt::format(R"({{"items":{{"$ref":"#/$defs/d{}"}}}})",
                                                   (i + 1) % 5'000);
                              })),
           10'000'000);
  compiles(fmt::format(R"({{"type":"string","pattern":"^[{}]$"}})",
                       [] {
                         std::string characters;
                         for (int i = 0; i < 30'000; ++i)
                           characters += fmt::format("\\u{:04x}", 0x3400 + i % 0x6000);
                         return characters;
                       }()),
           40'000'000);
  std::string slashes = "#/";
  for (int i = 0; i < 1'000'000; ++i) slashes += "~1";
  EXPECT_REFUSED(Grammar::from_json_schema({{"$ref", slashes}}), ErrorKind::bad_input, "nothing is at");
}

// A name of a megabyte stands in the place of everything that lies below it.
TEST(Bounds, PlacesStayShort) {
  const std::string long_name(1'000'000, 'x');
  Json inner = {{"properties", Json::object()}};
  for (int i = 0; i < 3'000; ++i) inner["properties"]["p" + std::to_string(i)] = {{"type", "null"}};
  Json schema = inner;
  schema["properties"]["last"] = {{"not", Json::object()}};
  for (int depth = 0; depth < 3; ++depth)
    schema = {{"$defs", {{long_name, schema}}}, {"properties", {{long_name, schema}}}};
  const auto refusal = nestor::testing::refusal_of([&] { Grammar::from_json_schema(schema); });
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->kind, ErrorKind::unsupported);
  EXPECT_NE(refusal->message.find("last: the keyword \"not\""), std::string::npos) << refusal->message;
  EXPECT_LT(refusal->message.size(), 1'000u);
}

std::string consts(int from) {
  const auto one = [&](int i) { return fmt::format(R"({{"const":{}}})", from + i); };
  return fmt::format(R"({{"anyOf":{}}})", list(6'000, one));
}

// Each would take from seconds to hours, or gigabytes.
std::vector<std::string> costly() {
  const auto pattern = [](std::string_view p) {
    return fmt::format(R"({{"type":"string","pattern":"{}"}})", p);
  };
  const auto property = [](int i) {
    return fmt::format(R"({{"properties":{{"p{}":{{"const":{}}}}}}})", i, i);
  };
  // Each of these strings is large, and none admits any text.
  const auto string = [](int i) { return fmt::format(R"({{"pattern":"^a{{900}}{}$","format":"date"}})", i); };
  // 2^30 ways from one definition to the last, joined.
  const auto definition = [](int i) {
    const auto next = fmt::format(R"({{"$ref":"#/$defs/d{}"}})", i + 1);
    return i == 30 ? std::string("{}") : both(next, next);
  };
  return {pattern(".{0,1000}.{0,1000}.{0,1000}.{0,1000}x"),
          pattern("^(.{0,90}){0,40}x$"),
          both(consts(0), consts(5'990)),
          fmt::format(R"({{"allOf":{}}})", list(5'000, property)),
          fmt::format(R"({{"anyOf":{}}})", list(3'000, string)),
          fmt::format(R"({{"allOf":[{{"$ref":"#/$defs/d0"}}],"$defs":{}}})", object(31, "d", definition))};
}

/// Of other limits than that of steps.
std::vector<std::string> too_large() {
  const auto numbers = [](int from) {
    return fmt::format(R"({{"enum":{}}})", list(60'000, [&](int i) { return std::to_string(from + i); }));
  };
  const auto names = [](int from) {
    return fmt::format(R"({{"required":{}}})",
                       list(35'000, [&](int i) { return fmt::format("\"n{}\"", from + i); }));
  };
  const auto one = [](int) { return R"({"const":1})"; };
  const auto required = [](int i) { return fmt::format(R"({{"required":["p{}"]}})", i); };
  const auto multiple = [](int i) {
    return fmt::format(R"({{"type":"integer","multipleOf":997,"minimum":{}}})", i);
  };
  return {both(numbers(0), numbers(10)), both(names(0), names(10)),
          // What holds beside alternatives is copied into each.
          fmt::format(R"({{"properties":{},"anyOf":{}}})", object(2'000, "p", one), list(2'000, required)),
          fmt::format(R"({{"anyOf":{}}})", list(3'000, multiple)),
          R"({"type":"string","pattern":"((a|b|c){0,20}x){0,400}"})"};
}

TEST(Bounds, CompilingHasABudgetThatNamesWhatIsCostly) {
  for (const std::string& text : costly()) {
    EXPECT_THROW(Grammar::from_json_schema(parsed(text)), EffortSpent) << text.substr(0, 80);
  }
  for (const std::string& text : too_large()) {
    SCOPED_TRACE(text.substr(0, 80));
    EXPECT_REFUSED(Grammar::from_json_schema(parsed(text)), ErrorKind::limit, "schema");
  }
  const auto message = [](const std::string& text, std::uint64_t steps) {
    const auto refusal =
        nestor::testing::refusal_of([&] { Grammar::from_json_schema(parsed(text), {.steps = steps}); });
    return refusal ? refusal->message : "accepted";
  };
  EXPECT_EQ(
      message(R"({"properties":{"a":{"type":"null"},"b":{"pattern":".{0,99}.{0,99}.{0,99}x"}}})", 100'000),
      "schema.properties.b: the schema is too costly: compiling it takes more than 100000 steps, most of "
      "them "
      "for patterns and formats; make it smaller there");
  EXPECT_NE(message(R"({"type":"integer","minimum":1,"multipleOf":999})", 50'000).find("bounds of numbers"),
            std::string::npos);
  EXPECT_NE(message(fmt::format(R"({{"const":"{}"}})", std::string(900, 'x')), 50'000).find("texts"),
            std::string::npos);
  EXPECT_NE(message(both(consts(0), consts(5)), 1'000'000).find("joining allOf"), std::string::npos);
}

// The same schema needs the same steps, to the last one.
TEST(Bounds, TheBudgetIsCounted) {
  const Json schema = parsed(
      R"({"properties":{"mail":{"format":"email"},"n":{"type":"integer","minimum":3},"tags":{"items":{"enum":["a","b"]}}}})");
  std::uint64_t most = Effort::kMost, least = 0;  // the least that do, by halves
  while (most - least > 1) {
    const std::uint64_t middle = least + (most - least) / 2;
    const bool enough =
        !nestor::testing::refusal_of([&] { Grammar::from_json_schema(schema, {.steps = middle}); });
    (enough ? most : least) = middle;
  }
  EXPECT_LT(most, Effort::kLittle);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Grammar::from_json_schema(schema, {.steps = most})->matches("{\"n\":3}"));
    EXPECT_THROW(Grammar::from_json_schema(schema, {.steps = most - 1}), EffortSpent);
  }
}

TEST(Bounds, CompilingEndsWhenItIsToStop) {
  std::stop_source before;
  before.request_stop();
  EXPECT_REFUSED(Grammar::from_json_schema({{"type", "null"}}, {.stop = before.get_token()}),
                 ErrorKind::cancelled, "");
  EXPECT_REFUSED(
      Grammar::tool_calls(parsed(R"([{"function":{"name":"f"}}])"), {}, {.stop = before.get_token()}),
      ErrorKind::cancelled, "");
  // Without a stop these would go on for minutes, with all the steps that they want.
  for (const std::string& text : costly()) {
    SCOPED_TRACE(text.substr(0, 80));
    std::stop_source source;
    const Json schema = parsed(text);
    std::thread stopper([&] { source.request_stop(); });
    EXPECT_REFUSED(
        Grammar::from_json_schema(schema, {.steps = Effort::kMost * 1'000, .stop = source.get_token()}),
        ErrorKind::cancelled, "");
    stopper.join();
  }
}

/// Words of three letters, beside the small one's tokens.
std::shared_ptr<const Vocabulary> wide_vocabulary() {
  std::vector<Vocabulary::Entry> tokens = small_tokens();
  for (char a = 'a'; a <= 'z'; ++a) {
    for (char b = 'a'; b <= 'z'; ++b) {
      for (char c = 'a'; c <= 'z'; ++c) {
        tokens.push_back({static_cast<TokenId>(1'000 + tokens.size()), std::string{a, b, c}});
      }
    }
  }
  const std::vector<TokenId> stop = {kStop};
  return std::make_shared<const Vocabulary>(tokens, control_tokens(), stop);
}

// What a request's constraint meets when the text is this, as far as the grammar lets it.
struct Walk {
  std::size_t tokens = 0;
  std::optional<nestor::testing::Refusal> refusal;
};

Walk walk(const std::shared_ptr<const Grammar>& grammar, std::string_view text,
          const std::shared_ptr<const Vocabulary>& vocabulary, const std::shared_ptr<Allowance>& allowance) {
  Walk out;
  out.refusal = nestor::testing::refusal_of([&] {
    GrammarConstraint constraint(grammar, vocabulary, allowance);
    for (; out.tokens < text.size(); ++out.tokens) {
      std::vector<std::uint64_t> mask((static_cast<std::size_t>(vocabulary->id_limit()) + 63) / 64, 0);
      constraint.allowed(mask);
      const auto id = static_cast<std::size_t>(100 + static_cast<unsigned char>(text[out.tokens]));
      if ((mask[id / 64] >> (id % 64) & 1) == 0) return;
      constraint.accept(static_cast<TokenId>(id));
    }
  });
  return out;
}

Walk walk(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  static const auto vocabulary = small_vocabulary();
  return walk(grammar, text, vocabulary, std::make_shared<Allowance>(*vocabulary));
}

std::string repeated(std::string_view piece, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += piece;
  return out;
}

// Lists in lists, of many kinds: what begins in each of them begins once. The allowance is far from its end.
TEST(Bounds, ManyKindsOfListsInListsAreCheap) {
  const auto kinds = [](const char* more) {
    return fmt::format(R"({{"anyOf":{}}})", list(61, [&](int i) {
                         return i == 60 ? std::string(R"({"type":"integer"})")
                                        : fmt::format(R"({{"type":"array","items":{{"$ref":"#"}},{}}})",
                                                      fmt::format(fmt::runtime(more), 100 + i));
                       }));
  };
  for (const char* more : {R"("maxItems":{})", R"("minItems":{})", R"("minItems":2,"maxItems":{})",
                           R"("maxItems":{},"prefixItems":[{{"$ref":"#"}},{{"$ref":"#"}}])"}) {
    const auto grammar = Grammar::from_json_schema(parsed(kinds(more)));
    const Walk deep = walk(grammar, repeated("[", 40) + repeated("1,", 200));
    EXPECT_FALSE(deep.refusal) << more << ": " << deep.refusal->message;
    EXPECT_GT(deep.tokens, 100u) << more;
    const Walk wide = walk(grammar, "[" + repeated("[[1,1],1],", 40));
    EXPECT_FALSE(wide.refusal) << more << ": " << wide.refusal->message;
  }
}

// Strings of many patterns at once: the masks of all of them are more than a request has.
std::string many_patterns() {
  const auto pattern = [](int i) {
    return fmt::format(R"({{"type":"string","pattern":"^[a-z ]{{{}}}[x-z]"}})", i % 12 + 4);
  };
  return fmt::format(R"({{"anyOf":{}}})", list(600, pattern));
}

TEST(Bounds, WhatTakesTooMuchWorkEndsByName) {
  const auto vocabulary = wide_vocabulary();
  const auto allowance = std::make_shared<Allowance>(*vocabulary);
  const Walk end =
      walk(Grammar::from_json_schema(parsed(many_patterns())), "\"abcdefgh", vocabulary, allowance);
  ASSERT_TRUE(end.refusal);
  EXPECT_EQ(end.refusal->kind, ErrorKind::limit);
  EXPECT_NE(end.refusal->message.find("the form of the answer can go on in too many ways"),
            std::string::npos);
  EXPECT_NE(end.refusal->message.find("steps at once"), std::string::npos);
  // Another request is not touched by it.
  const auto plain = Grammar::from_json_schema({{"type", "string"}});
  EXPECT_FALSE(walk(plain, "\"abc", vocabulary, std::make_shared<Allowance>(*vocabulary)).refusal);
}

// A request pays for a mask once, however many answers it has and whoever has computed it.
TEST(Bounds, MasksArePaidOnceByEachRequest) {
  const auto vocabulary = wide_vocabulary();
  const auto grammar = Grammar::from_json_schema({{"type", "string"}, {"maxLength", 60}});
  const std::string text = "\"" + repeated("a", 50);
  std::vector<std::uint64_t> spent;
  for (int request = 0; request < 2; ++request) {
    const auto allowance = std::make_shared<Allowance>(*vocabulary);
    for (int answer = 0; answer < 2; ++answer) {
      const std::uint64_t before = allowance->spent();
      ASSERT_FALSE(walk(grammar, text, vocabulary, allowance).refusal);
      spent.push_back(allowance->spent() - before);
    }
  }
  EXPECT_EQ(spent[0], spent[2]);
  EXPECT_EQ(spent[1], spent[3]);
  EXPECT_LT(10 * spent[1], spent[0]);
}

// States are given back: those that a text does not need when there are many, all of them at its end.
TEST(Bounds, MemoryIsThatOfTheLastTokens) {
  const auto vocabulary = small_vocabulary();
  const auto allowance = std::make_shared<Allowance>(*vocabulary, 64);
  const auto grammar = Grammar::from_json_schema(
      parsed(R"({"type":"array","items":{"type":"integer"},"minItems":20000,"maxItems":30000})"));
  const Walk most = walk(grammar, "[" + repeated("1,", 15'000), vocabulary, allowance);
  EXPECT_FALSE(most.refusal);
  EXPECT_EQ(most.tokens, 30'001u);
  EXPECT_LT(allowance->most_bytes(), std::size_t{4} << 20);
  EXPECT_EQ(allowance->bytes(), 0u);
}

TEST(Bounds, StatesHaveALimit) {
  const auto vocabulary = small_vocabulary();
  Allowance allowance(*vocabulary);
  allowance.take_bytes(Allowance::kMostBytes);
  EXPECT_REFUSED(allowance.take_bytes(1), ErrorKind::limit, "64 MiB");
  allowance.give_back_bytes(1);
  allowance.take_bytes(1);
}

}  // namespace
}  // namespace nestor::grammar::testing
