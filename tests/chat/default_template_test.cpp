#include "chat/default_template.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "chat/render_request.h"

namespace nestor::chat {
namespace {

std::string render(const char* input) {
  const RenderRequest request = parse_render_request(parse_json(input, "input"), LocalTime{});
  return Template::parse(default_template(), "default").render(request.variables, request.now).text;
}

TEST(DefaultTemplate, Turns) {
  EXPECT_EQ(render(R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U1"},
      {"role": "assistant", "content": "A1"}, {"role": "user", "content": [{"type": "text", "text": "U2"}]}],
      "add_generation_prompt": true})"),
            "<longcat_system>S<longcat_user>U1<longcat_assistant>A1</"
            "longcat_s><longcat_user>U2<longcat_assistant>");
  EXPECT_EQ(render(R"({"messages": []})"), "");
}

TEST(DefaultTemplate, ToolsCallsAndResults) {
  const std::string text = render(R"({"tools": [{"type": "function", "function": {"name": "f"}}],
      "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "U"},
      {"role": "assistant", "content": null, "tool_calls": [
        {"function": {"name": "f", "arguments": {"a": "x", "n": 1}}}, {"function": {"name": "g", "arguments": {}}}]},
      {"role": "tool", "content": "R1"}, {"role": "tool", "content": "R2"}]})");
  EXPECT_TRUE(
      text.starts_with("<longcat_system>S\n\n# Tools\nOne JSON object per line:\n{\"name\": \"f\"}\n"));
  EXPECT_TRUE(text.ends_with(
      "<longcat_user>U<longcat_assistant><longcat_tool_call>f\n<longcat_arg_key>a</longcat_arg_key>\n"
      "<longcat_arg_value>x</longcat_arg_value>\n<longcat_arg_key>n</longcat_arg_key>\n"
      "<longcat_arg_value>1</longcat_arg_value>\n</longcat_tool_call>\n<longcat_tool_call>g\n</"
      "longcat_tool_call>"
      "</longcat_s><longcat_observation>R1\nR2"))
      << text;
}

TEST(DefaultTemplate, RefusesWhatItCannotShow) {
  EXPECT_THROW(render(R"({"messages": [{"role": "robot", "content": "x"}]})"), Error);
  EXPECT_THROW(render(R"({"messages": [{"role": "user", "content": [{"type": "image"}]}]})"), Error);
}

}  // namespace
}  // namespace nestor::chat
