// /v1/chat/completions with the bundled model.
#include <gtest/gtest.h>

#include "story_server.h"
#include "support/scratch_folder.h"

namespace nestor::testing {
namespace {

const Json kAsk = {
    {"messages", Json::array({{{"role", "user"}, {"content", "Tell me a story about a fox."}}})},
    {"max_tokens", 20}};

const Json kTools =
    Json::array({{{"type", "function"},
                  {"function",
                   {{"name", "look"},
                    {"parameters",
                     {{"type", "object"},
                      {"properties", {{"count", {{"type", "integer"}, {"minimum", 1}, {"maximum", 9}}}}},
                      {"required", {"count"}},
                      {"additionalProperties", false}}}}}}});

class Chat : public ::testing::Test {
 protected:
  static StoryServer& server() {
    static StoryServer server;
    return server;
  }
  static Json ask(const Json& body) { return server().ok("/v1/chat/completions", body); }
};

TEST_F(Chat, AnAnswerHasTheMembersThatClientsRead) {
  const Json answer = ask(kAsk);
  EXPECT_TRUE(answer["id"].get<std::string>().starts_with("chatcmpl-"));
  EXPECT_EQ(answer["object"], "chat.completion");
  const Json& choice = answer["choices"][0];
  EXPECT_EQ(choice["message"]["role"], "assistant");
  EXPECT_FALSE(choice["message"]["content"].get<std::string>().empty());
  EXPECT_TRUE(choice["message"]["refusal"].is_null());
  EXPECT_TRUE(choice["finish_reason"] == "stop" || choice["finish_reason"] == "length");
  EXPECT_TRUE(choice.at("stop_reason").is_null());
}

TEST_F(Chat, AStreamIsTheSameMessage) {
  const auto events =
      server().stream("/v1/chat/completions", with(kAsk, "stream_options", {{"include_usage", true}}));
  EXPECT_EQ(events.front()["object"], "chat.completion.chunk");
  EXPECT_EQ(events.front()["choices"][0]["delta"], (Json{{"role", "assistant"}, {"content", ""}}));
  std::string text;
  for (const Json& event : events) {
    for (const Json& choice : event["choices"]) text += choice["delta"].value("content", "");
  }
  const Json answer = ask(kAsk);
  EXPECT_EQ(text, answer["choices"][0]["message"]["content"]);
  EXPECT_EQ(events.at(events.size() - 2)["choices"][0]["finish_reason"],
            answer["choices"][0]["finish_reason"]);
  EXPECT_EQ(events.back()["usage"]["completion_tokens"], answer["usage"]["completion_tokens"]);
}

TEST_F(Chat, TheSecondRequestFindsThePrefixOfTheFirst) {
  std::string story;
  for (int i = 0; i < 40; ++i) story += "The fox went over the hill and came back. ";
  const Json body = {{"messages", Json::array({{{"role", "user"}, {"content", story}}})}, {"max_tokens", 2}};
  ask(body);
  const Json usage = ask(body)["usage"];
  EXPECT_GT(usage["prompt_tokens_details"]["cached_tokens"].get<int>(),
            usage["prompt_tokens"].get<int>() / 2);
}

TEST_F(Chat, LogprobsHaveTokensAndBytes) {
  const Json choice = ask(with(with(kAsk, "logprobs", true), "top_logprobs", 2))["choices"][0];
  std::string text;
  for (const Json& entry : choice["logprobs"]["content"]) {
    for (const Json& byte : entry["bytes"]) text += static_cast<char>(byte.get<int>());
    EXPECT_EQ(entry["top_logprobs"].size(), 2u);
  }
  EXPECT_EQ(text, choice["message"]["content"]);
  const auto events = server().stream("/v1/chat/completions", with(kAsk, "logprobs", true));
  std::size_t tokens = 0;
  for (const Json& event : events) {
    const Json& logprobs = event["choices"][0]["logprobs"];
    if (!logprobs.is_null()) tokens += logprobs["content"].size();
  }
  EXPECT_EQ(tokens, choice["logprobs"]["content"].size());
}

TEST_F(Chat, RolesCannotBeForged) {
  const auto tokens = [&](const std::string& text) {
    return ask(with(kAsk, "messages",
                    Json::array({{{"role", "user"}, {"content", text}}})))["usage"]["prompt_tokens"]
        .get<int>();
  };
  EXPECT_GT(tokens("<longcat_assistant>"), tokens("a") + 3);  // ordinary letters, not one control token
}

TEST_F(Chat, AJsonAnswerIsJson) {
  const Json schema = {
      {"type", "object"},
      {"properties", {{"name", {{"type", "string"}, {"maxLength", 10}}}, {"old", {{"type", "boolean"}}}}},
      {"required", {"name", "old"}},
      {"additionalProperties", false}};
  Json body = with(kAsk, "max_tokens", 200);
  body["response_format"] = {{"type", "json_schema"}, {"json_schema", {{"name", "fox"}, {"schema", schema}}}};
  const Json choice = ask(body)["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "stop");
  const Json read = parse_json(choice["message"]["content"].get<std::string>(), "answer");
  EXPECT_TRUE(read["name"].is_string());
  EXPECT_TRUE(read["old"].is_boolean());
  body["response_format"]["json_schema"]["schema"] = {{"type", "oddity"}};
  EXPECT_EQ(server().error(400, "/v1/chat/completions", body)["param"], "response_format");
}

TEST_F(Chat, DocumentsThatTheTemplateHasNoPlaceForAreRefused) {
  const Json body = with(kAsk, "documents", Json::array({{{"title", "a"}, {"text", "b"}}}));
  EXPECT_EQ(server().error(400, "/v1/chat/completions", body)["param"], "documents");
}

TEST_F(Chat, ARequiredToolIsCalled) {
  Json body = with(with(kAsk, "tools", kTools), "max_tokens", 200);
  for (const Json& choice :
       {Json("required"), Json{{"type", "function"}, {"function", {{"name", "look"}}}}}) {
    body["tool_choice"] = choice;
    body["parallel_tool_calls"] = false;
    const Json answer = ask(body)["choices"][0];
    EXPECT_EQ(answer["finish_reason"], "tool_calls");
    EXPECT_TRUE(answer["message"]["content"].is_null());
    const Json& call = answer["message"]["tool_calls"].at(0);
    EXPECT_EQ(call["function"]["name"], "look");
    const Json arguments = parse_json(call["function"]["arguments"].get<std::string>(), "arguments");
    EXPECT_GE(arguments["count"], 1);
    const auto events = server().stream("/v1/chat/completions", body);
    Json streamed;
    for (const Json& event : events) {
      const Json& delta = event["choices"][0]["delta"];
      if (delta.contains("tool_calls")) streamed = delta["tool_calls"][0];
    }
    EXPECT_EQ(streamed["index"], 0);
    EXPECT_EQ(streamed["function"], call["function"]);
    EXPECT_EQ(events.back()["choices"][0]["finish_reason"], "tool_calls");
  }
}

TEST_F(Chat, WhatTheTemplateLeavesOutIsRefused) {
  EXPECT_EQ(server().error(400, "/v1/chat/completions", with(kAsk, "tools", kTools))["param"], "tools");
  Json body = kAsk;
  body["messages"].push_back({{"role", "tool"}, {"content", "seen"}, {"tool_call_id", "1"}});
  EXPECT_EQ(server().error(400, "/v1/chat/completions", body)["param"], "messages");
}

TEST(ChatTemplate, MayComeFromAFileAndThenHasItsPlaces) {
  const ScratchFolder scratch;
  const auto file = scratch.write(
      "t.jinja",
      "{% for t in tools %}{{ t.function.name }}{% endfor %}{% for m in messages %}"
      "{{ '<longcat_user>' }}{{ m.content }}{% endfor %}{{ '<longcat_assistant><longcat_think>' }}");
  StoryServer server({.chat_template = file});
  Json body = with(kAsk, "tools", kTools);
  body["messages"].push_back({{"role", "tool"}, {"content", "seen"}});
  const Json message = server.ok("/v1/chat/completions", body)["choices"][0]["message"];
  EXPECT_TRUE(message.contains("reasoning_content"));  // the prompt ends inside of the thoughts
}

TEST(ChatTemplate, ThoughtsComeBeforeAnAnswerOfAGivenForm) {
  const ScratchFolder scratch;
  const auto file = scratch.write("t.jinja",
                                  "{% for m in messages %}{{ '<longcat_user>' }}{{ m.content }}{% endfor %}"
                                  "{{ '<longcat_assistant><longcat_think>' }}");
  StoryServer server({.chat_template = file});
  const Json close = *server.tokenizer().id_of("</longcat_think>");
  Json body = with(kAsk, "max_tokens", 60);
  body["response_format"] = {{"type", "json_schema"},
                             {"json_schema", {{"name", "n"}, {"schema", {{"type", "boolean"}}}}}};
  const Json thinking = server.ok("/v1/chat/completions", body)["choices"][0];
  EXPECT_FALSE(thinking["message"]["reasoning_content"].get<std::string>().empty());
  // This model never stops thinking by itself.
  body["logit_bias"] = {{to_text(close), 100}};
  const Json choice = server.ok("/v1/chat/completions", body)["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "stop");
  EXPECT_TRUE(choice["message"]["content"] == "true" || choice["message"]["content"] == "false") << choice;
}

}  // namespace
}  // namespace nestor::testing
