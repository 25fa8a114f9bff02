// No memory: every allocation of a parse, a compilation, a load fails once. What was asked for ends with
// std::bad_alloc, and the next attempt succeeds.
#include "assemble/open.h"
#include "base/json.h"
#include "each_failure.h"
#include "grammar/grammar.h"
#include "support/golden.h"
#include "support/paths.h"

namespace nestor::testing {
namespace {

class LostMemory : public ::testing::TestWithParam<Failures> {};

std::string nested_document() {
  return R"({"a": [1, 2.5, -3, "a text that no small string holds, so that it takes memory", null, true],
             "another key that is long enough to need memory": {"b": [[], {}, [[{"c": [0]}]]], "d": ""},
             "e": [{"f": [1, [2, [3, {"g": "h"}]]]}, {"f": ["i", "j", ["k"]]}]})";
}

TEST_P(LostMemory, OfAParsedDocument) {
  const std::string text = nested_document();
  const std::string expected = to_text(parse_json(text, "x"));
  std::string got;
  got.reserve(2 * expected.size());
  const auto parse = [&] {
    const Json json = parse_json(text, "x");
    const Json copy = json;
    got = to_text(copy);
  };
  fail_each_allocation(GetParam(), parse, [&] {
    got.clear();
    parse();
    EXPECT_EQ(got, expected);
  });
}

TEST_P(LostMemory, OfADocumentThatIsBroken) {
  for (const std::string& broken :
       std::initializer_list<std::string>{nested_document() + "x", R"({"a": [1, 2, {"b": nul}]})",
                                          R"([{"a": 1, "a": 2}])", std::string(200, '[')}) {
    const auto parse = [&] {
      try {
        parse_json(broken, "x");
        ADD_FAILURE() << "accepted: " << broken;
      } catch (const Error& e) {
        if (e.kind() != ErrorKind::bad_input) throw;
      }
    };
    fail_each_allocation(GetParam(), parse, parse);
  }
}

TEST(LostMemoryOfDocuments, GoingAwayNeedsNone) {
  std::string deep = "1";
  for (int i = 0; i < kMaxJsonDepth; ++i) deep = i % 2 == 0 ? "[" + deep + "]" : R"({"a": )" + deep + "}";
  for (const std::string& text : {nested_document(), deep, std::string("[[[[]]]]"), std::string("{}")}) {
    auto json = std::make_unique<Json>(parse_json(text, "x"));
    const FailingNew failing(Threads::this_one, 0, FailingNew::kNone);
    json.reset();
    EXPECT_FALSE(failing.has_failed()) << text;
  }
}

TEST(LostMemoryOfDocuments, ComparingThemWithATextNeedsNone) {
  const Json json = parse_json(R"({"a": "text", "b": 1})", "x");
  const Json& text = json["a"];
  const Json& number = json["b"];
  const FailingNew failing(Threads::this_one, 0, FailingNew::kNone);
  const bool right = text == "text" && "text" == text && text != "a text that no small string holds" &&
                     number != "1" && !(text != "text") && number == 1 && number != 2;
  EXPECT_FALSE(failing.has_failed());
  EXPECT_TRUE(right);
}

TEST_P(LostMemory, OfACompiledSchema) {
  for (const char* schema : {
           R"({"type": "object", "properties": {"name": {"type": "string", "minLength": 2, "maxLength": 9},
               "age": {"type": "integer", "minimum": 3, "maximum": 120}}, "required": ["name"]})",
           R"({"type": "array", "items": {"$ref": "#/$defs/node"}, "minItems": 1, "maxItems": 4,
               "$defs": {"node": {"anyOf": [{"type": "null"}, {"enum": ["a", 1, {"b": []}]}]}}})",
           R"({"type": "string", "pattern": "^(a|b[0-9]{1,3})+\\.x$"})",
           R"({"oneOf": [{"const": "x"}, {"type": "string", "format": "date"}]})",
           R"({"allOf": [{"type": ["string", "null"], "maxLength": 3}, {"type": "string", "minLength": 2}]})",
           R"({"type": "object", "properties": {"a": {"oneOf": [{"type": "null"}, {"type": "array",
               "prefixItems": [{"type": "boolean"}, {"type": "string"}], "items": {"type": "number"}}]}},
               "additionalProperties": {"type": "string"}})"}) {
    const Json json = parse_json(schema, "schema");
    const auto compile = [&] { grammar::Grammar::from_json_schema(json); };
    fail_each_allocation(GetParam(), compile, compile);
  }
}

TEST_P(LostMemory, OfARenderedConversation) {
  const Json request = parse_json(R"({"messages": [{"role": "system", "content": "Be brief, and then again."},
    {"role": "user", "content": "Hello, how are you today, I wonder?"}], "add_generation_prompt": true})",
                                  "x");
  const auto now = chat::LocalTime::now();
  std::string expected = assemble::ChatFormat::open(story_folder()).render(request, now).text, got;
  got.reserve(2 * expected.size());
  const auto render = [&] { got = assemble::ChatFormat::open(story_folder()).render(request, now).text; };
  fail_each_allocation(GetParam(), render, [&] {
    got.clear();
    render();
    EXPECT_EQ(got, expected);
  });
}

TEST_P(LostMemory, OfALoadedModel) {
  const auto folder = golden_folder("lite_small");
  const std::vector<TokenId> ids = {1, 5, 9, 3};
  const auto expected = all_logits(*open_model(folder, "auto"), ids, 4);
  const auto load = [&] { open_model(folder, "auto"); };
  fail_each_allocation(GetParam(), load, [] {});
  EXPECT_EQ(all_logits(*open_model(folder, "auto"), ids, 4), expected);
}

TEST_P(LostMemory, OfAnOpenedFolder) {
  const auto load = [] {
    auto opened = assemble::open(story_folder());
    opened.tokenizer();
    opened.chat();
  };
  fail_each_allocation(GetParam(), load, [] {});
  auto opened = assemble::open(story_folder());
  EXPECT_GT(opened.tokenizer()
                .encode("Once upon a time", tokenizer::PostProcess::omit, tokenizer::ControlTokens::nowhere())
                .size(),
            2U);
}

TEST_P(LostMemory, OfAForwardPass) {
  const auto model = open_model(golden_folder("lite_small"), "auto");
  const std::vector<TokenId> ids = {1, 5, 9, 3, 8, 8, 2};
  const auto expected = all_logits(*model, ids, 3);
  std::vector<float> got;
  got.reserve(expected.size());
  const auto forward = [&] { got = all_logits(*model, ids, 3); };
  fail_each_allocation(GetParam(), forward, [&] {
    got.clear();
    forward();
    EXPECT_EQ(got, expected);
    EXPECT_EQ(model->memory().pages_in_use, 0);
  });
}

const auto named = [](const auto& info) { return "UpTo" + std::to_string(info.param.most); };
INSTANTIATE_TEST_SUITE_P(Some, LostMemory, ::testing::Values(Failures{200}), named);
INSTANTIATE_TEST_SUITE_P(Most, LostMemory, ::testing::Values(Failures{5000}), named);

}  // namespace
}  // namespace nestor::testing
