// Where a checkpoint's chat template is looked for, and the special tokens that it may name.
#include "assemble/chat_format.h"

#include <gtest/gtest.h>

#include "support/refusal.h"
#include "support/scratch_folder.h"

namespace nestor::assemble {
namespace {

const chat::LocalTime kClock = chat::LocalTime::now();

std::string rendered(const ChatFormat& format, Json request = Json::object()) {
  if (!request.contains("messages")) request["messages"] = {{{"role", "user"}, {"content", "hello"}}};
  return format.render(request, kClock).text;
}

TEST(ChatFormat, TheFileComesBeforeTheKeyAndTheKeyBeforeTheBuiltInOne) {
  const testing::ScratchFolder folder;
  const std::string built_in = rendered(ChatFormat::open(folder.path()));
  EXPECT_NE(built_in.find("hello"), std::string::npos);
  folder.write("tokenizer_config.json", R"({"chat_template": null})");
  EXPECT_EQ(rendered(ChatFormat::open(folder.path())), built_in);
  folder.write("tokenizer_config.json", R"({"chat_template": "key {{ messages[0].content }}"})");
  EXPECT_EQ(rendered(ChatFormat::open(folder.path())), "key hello");
  folder.write("chat_template.jinja", "file {{ messages[0].content }}");
  EXPECT_EQ(rendered(ChatFormat::open(folder.path())), "file hello");
  const auto other = folder.write("other.jinja", "other {{ messages[0].content }}");
  EXPECT_EQ(rendered(ChatFormat::open(folder.path(), other)), "other hello");
  EXPECT_EQ(rendered(ChatFormat::open(other)), "other hello");
}

TEST(ChatFormat, OfNamedTemplatesTheDefaultIsMeant) {
  const testing::ScratchFolder folder;
  folder.write("tokenizer_config.json", R"({"chat_template": [{"name": "tool_use", "template": "tools"},
                                            {"name": "default", "template": "plain"}]})");
  EXPECT_EQ(rendered(ChatFormat::open(folder.path())), "plain");
  for (const char* wrong :
       {R"([{"name": "tool_use", "template": "tools"}])", R"([{"name": "default"}])", R"(["default"])", "[]",
        "3", R"({"default": "x"})", R"([{"name": "default", "template": 3}])"}) {
    folder.write("tokenizer_config.json", std::string(R"({"chat_template": )") + wrong + "}");
    EXPECT_REFUSED(ChatFormat::open(folder.path()), ErrorKind::bad_input,
                   "tokenizer_config.json: chat_template must be a string or a list with one named default");
  }
  folder.write("chat_template.jinja", "file");
  EXPECT_EQ(rendered(ChatFormat::open(folder.path())), "file") << "what is not read cannot be wrong";
}

TEST(ChatFormat, SpecialTokensAreVariables) {
  const testing::ScratchFolder folder;
  folder.write("chat_template.jinja", "{{ bos_token }}|{{ eos_token }}");
  const auto with = [&](const std::string& tokens, Json request = Json::object()) {
    folder.write("tokenizer_config.json", "{" + tokens + "}");
    return rendered(ChatFormat::open(folder.path()), std::move(request));
  };
  EXPECT_EQ(with(R"("bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false})"), "<s>|</s>");
  EXPECT_EQ(with(R"("bos_token": "<s>", "eos_token": "</s>")", {{"bos_token", "mine"}}), "mine|</s>");
  EXPECT_EQ(with(R"("bos_token": null, "eos_token": {"text": "x"})"), "|");
  const auto other = folder.write("other.jinja", "other {{ bos_token }}");
  folder.write("tokenizer_config.json", R"({"bos_token": "<s>"})");
  EXPECT_EQ(rendered(ChatFormat::open(folder.path(), other)), "other <s>");
  EXPECT_EQ(rendered(ChatFormat::open(other)), "other ") << "a file has no folder's tokens";
}

TEST(ChatFormat, WhatIsWrongIsNamed) {
  const testing::ScratchFolder folder;
  folder.write("tokenizer_config.json", "[]");
  EXPECT_REFUSED(ChatFormat::open(folder.path()), ErrorKind::bad_input,
                 "tokenizer_config.json: expected an object");
  folder.write("tokenizer_config.json", R"({"chat_template": "{% if %}"})");
  EXPECT_REFUSED(ChatFormat::open(folder.path()), ErrorKind::bad_input,
                 "tokenizer_config.json: chat_template");
  folder.write("chat_template.jinja", "{% if %}");
  EXPECT_REFUSED(ChatFormat::open(folder.path()), ErrorKind::bad_input, "chat_template.jinja");
  EXPECT_REFUSED(ChatFormat::open(folder.path() / "nothing"), ErrorKind::not_found, "nothing");
  const testing::ScratchFolder empty;
  EXPECT_REFUSED(ChatFormat::open(empty.path()).render(Json::array(), kClock), ErrorKind::bad_input,
                 "expected an object with messages");
}

}  // namespace
}  // namespace nestor::assemble
