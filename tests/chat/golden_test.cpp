// The goldens of tests/data/templates: what the reference renderer makes of templates and single constructs.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/json.h"
#include "chat/render_request.h"
#include "support/paths.h"

namespace nestor::chat {
namespace {

const LocalTime kClock{2026, 3, 9, 14, 5, 7};

Json golden(const std::string& name) {
  return read_json(nestor::testing::test_data_folder() / "templates" / (name + ".json"), 1 << 20);
}

Rendered render(const Json& file, const Json& test) {
  const Json& source = test.contains("template") ? test["template"] : file["template"];
  const RenderRequest request = parse_render_request(test["input"], kClock);
  return Template::parse(source.get<std::string>(), "template").render(request.variables, request.now);
}

void expect_text(const Json& file, const Json& test) {
  const Rendered rendered = render(file, test);
  EXPECT_EQ(rendered.text, test["expected"].get<std::string>());
  if (!test.contains("generation_spans")) return;
  Json spans = Json::array();
  for (const TextSpan& span : rendered.generation) spans.push_back({span.begin, span.end});
  EXPECT_EQ(spans, test["generation_spans"]);
}

void expect_error(const Json& file, const Json& test) {
  try {
    FAIL() << "expected an error, got " << render(file, test).text;
  } catch (const Error& e) {
    if (test["error"]["kind"] != "raise") return;
    const std::string message = test["error"]["message"];
    EXPECT_NE(std::string(e.what()).find(message), std::string::npos) << e.what();
  }
}

class Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Golden, EveryCase) {
  const Json file = golden(GetParam());
  for (const Json& test : file["cases"]) {
    SCOPED_TRACE(test["name"].get<std::string>());
    try {
      if (test.contains("error")) {
        expect_error(file, test);
      } else {
        expect_text(file, test);
      }
    } catch (const Error& e) {
      ADD_FAILURE() << e.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Templates, Golden,
                         ::testing::Values("longcat_xml", "chatml_tools", "header_dates", "rounds_text",
                                           "blocks_generation", "plain_whitespace", "snippets"),
                         [](const auto& parameter) { return std::string(parameter.param); });

}  // namespace
}  // namespace nestor::chat
