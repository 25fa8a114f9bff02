// nestor template: byte for byte what the reference renders, from a template file and from a folder.
#include <gtest/gtest.h>

#include "program.h"

namespace nestor::testing {
namespace {

TEST(Template, EqualsTheReference) {
  for (const std::string name : {"chatml_tools", "longcat_xml", "plain_whitespace", "rounds_text"}) {
    const Json golden = read_test_json("templates/" + name + ".json");
    const Scratch scratch;
    const std::string jinja = scratch.write("chat.jinja", golden["template"].get<std::string>());
    for (const Json& test : golden["cases"]) {
      SCOPED_TRACE(name + " " + test["name"].get<std::string>());
      const std::string input = scratch.write("input.json", test["input"].dump());
      if (test.contains("error")) {
        expect_error({"template", jinja, "--input", input}, 1);
        continue;
      }
      EXPECT_EQ(output_of({"template", jinja, "--input", input}), test["expected"].get<std::string>());
      EXPECT_EQ(output_of({"template", "--input", "-", jinja}, test["input"].dump()),
                test["expected"].get<std::string>());
    }
  }
}

TEST(Template, OfTheBundledModelWithoutANewlineAfterIt) {
  const std::string input =
      R"({"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi\n"}],)"
      R"( "add_generation_prompt": true})";
  const std::string expected = "<longcat_system>Be brief.<longcat_user>Hi\n<longcat_assistant>";
  EXPECT_EQ(output_of({"template", "--input", "-"}, input), expected);
  EXPECT_EQ(output_of({"template", story(), "--input", "-"}, input), expected);
}

TEST(Template, WhereAFolderHasItsTemplate) {
  const Scratch scratch;
  const std::string folder = (scratch / "").string();
  const std::string input =
      R"({"messages": [{"role": "user", "content": "Hi"}], "add_generation_prompt": true})";
  EXPECT_EQ(output_of({"template", folder, "--input", "-"}, input),
            "<longcat_user>Hi<longcat_assistant>");  // built in
  scratch.write("tokenizer_config.json",
                R"({"chat_template": "config: {{ messages[0].content }}{{ bos_token }}",)"
                R"( "bos_token": {"content": "<s>"}})");
  EXPECT_EQ(output_of({"template", folder, "--input", "-"}, input), "config: Hi<s>");
  scratch.write("chat_template.jinja", "file: {{ messages[0].content }}");
  EXPECT_EQ(output_of({"template", folder, "--input", "-"}, input), "file: Hi");
}

TEST(Template, Refusals) {
  const Scratch scratch;
  expect_error({"template", "--input", scratch.write("a.json", "[1]")}, 1,
               "expected an object with messages");
  expect_error({"template", "--input", scratch.write("b.json", "{")}, 1, "b.json");
  expect_error({"template", "--input", scratch.write("c.json", R"({"messages": [], "now": 1})")}, 1, "now");
  expect_error({"template", scratch.write("d.jinja", "{% frob %}"), "--input", scratch.write("e.json", "{}")},
               1, "d.jinja");
}

}  // namespace
}  // namespace nestor::testing
