// /v1/completions with the bundled model: one answer in all its forms.
#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "story_server.h"

namespace nestor::testing {
namespace {

const Json kAsk = {{"prompt", "Once upon a time there was"}, {"max_tokens", 24}, {"temperature", 0}};

using Keys = std::vector<std::string>;

Keys keys(const Json& object) {
  Keys names;
  for (const auto& [name, value] : object.items()) names.push_back(name);
  return names;
}

std::string text_of(const Json& answer, std::size_t choice = 0) { return answer["choices"][choice]["text"]; }

std::string streamed(const std::vector<Json>& events, int index = 0) {
  std::string text;
  for (const Json& event : events) {
    for (const Json& choice : event["choices"]) {
      if (choice["index"] == index) text += choice["text"].get<std::string>();
    }
  }
  return text;
}

class Completions : public ::testing::Test {
 protected:
  static StoryServer& server() {
    static StoryServer server;
    return server;
  }
  static Json ask(const Json& body) { return server().ok("/v1/completions", body); }
};

TEST_F(Completions, AnAnswerHasTheMembersThatClientsRead) {
  const Json answer = ask(kAsk);
  EXPECT_TRUE(answer["id"].get<std::string>().starts_with("cmpl-"));
  EXPECT_EQ(answer["object"], "text_completion");
  EXPECT_EQ(keys(answer), (Keys{"id", "object", "created", "model", "choices", "usage"}));
  EXPECT_EQ(answer["model"], "story");
  EXPECT_GT(answer["created"], 1700000000);
  const Json& choice = answer["choices"][0];
  EXPECT_EQ(choice["index"], 0);
  EXPECT_EQ(choice["finish_reason"], "length");
  EXPECT_TRUE(choice["logprobs"].is_null());
  EXPECT_EQ(answer["usage"]["completion_tokens"], 24);
  EXPECT_EQ(answer["usage"]["total_tokens"], 24 + answer["usage"]["prompt_tokens"].get<int>());
}

TEST_F(Completions, AStreamIsTheSameText) {
  const auto events =
      server().stream("/v1/completions", with(kAsk, "stream_options", {{"include_usage", true}}));
  EXPECT_EQ(streamed(events), text_of(ask(kAsk)));
  EXPECT_TRUE(events.back()["choices"].empty());
  EXPECT_EQ(events.back()["usage"]["completion_tokens"], 24);
  EXPECT_TRUE(events.front()["usage"].is_null());
  EXPECT_EQ(events.at(events.size() - 2)["choices"][0]["finish_reason"], "length");
  for (const Json& event : events) {
    EXPECT_EQ(event["id"], events.front()["id"]);
    EXPECT_EQ(keys(event), (Keys{"id", "object", "created", "model", "choices", "usage"}));
  }
}

TEST_F(Completions, TokenIdsAreThePromptOfTheirText) {
  const auto ids = server().ok("/tokenize", {{"prompt", kAsk["prompt"]}})["tokens"];
  EXPECT_EQ(text_of(ask(with(kAsk, "prompt", ids))), text_of(ask(kAsk)));
  EXPECT_EQ(server().ok("/detokenize", {{"tokens", ids}})["prompt"], kAsk["prompt"]);
}

TEST_F(Completions, PromptsTimesNAnswers) {
  Json body = kAsk;
  body["prompt"] = {"The fox", "The old house"};
  body["n"] = 2;
  body["temperature"] = 1.0;
  body["seed"] = 5;
  const Json answer = ask(body);
  ASSERT_EQ(answer["choices"].size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(answer["choices"][i]["index"], i);
  EXPECT_NE(text_of(answer, 0), text_of(answer, 1));
  EXPECT_EQ(ask(body)["choices"], answer["choices"]);  // the seed decides
  const auto events = server().stream("/v1/completions", body);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(streamed(events, i), text_of(answer, static_cast<std::size_t>(i)));
  Json alone = body;
  alone["prompt"] = "The fox";
  EXPECT_EQ(ask(alone)["choices"][1], answer["choices"][1]);
  EXPECT_EQ(answer["usage"]["prompt_tokens"],
            ask(alone)["usage"]["prompt_tokens"].get<int>() +
                static_cast<int>(server().ok("/tokenize", {{"prompt", "The old house"}})["count"]));
}

TEST_F(Completions, WithoutASeedAnswersDiffer) {
  const Json body = with(with(kAsk, "temperature", 1.0), "max_tokens", 40);
  EXPECT_NE(text_of(ask(body)), text_of(ask(body)));
}

TEST_F(Completions, AStopTextEndsAnAnswerBeforeIt) {
  const std::string whole = text_of(ask(kAsk));
  const std::string stop = whole.substr(10, 5);
  const Json answer = ask(with(kAsk, "stop", stop));
  EXPECT_EQ(text_of(answer), whole.substr(0, whole.find(stop)));
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(answer["choices"][0]["stop_reason"], stop);
  EXPECT_TRUE(ask(kAsk)["choices"][0].at("stop_reason").is_null());
  EXPECT_EQ(streamed(server().stream("/v1/completions", with(kAsk, "stop", {stop, "never"}))),
            text_of(answer));
  EXPECT_EQ(text_of(ask(with(with(kAsk, "stop", stop), "include_stop_str_in_output", true))),
            whole.substr(0, whole.find(stop) + stop.size()));
}

TEST_F(Completions, AStopTokenEndsAnAnswer) {
  const auto ids = server().tokenizer().encode(text_of(ask(kAsk)), tokenizer::PostProcess::omit,
                                               tokenizer::ControlTokens::nowhere());
  const Json answer = ask(with(kAsk, "stop_token_ids", {ids[3]}));
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "stop");
  EXPECT_LE(answer["usage"]["completion_tokens"], 3);
  EXPECT_EQ(answer["choices"][0]["stop_reason"], ids[3]);
  const auto events = server().stream("/v1/completions", with(kAsk, "stop_token_ids", {ids[3]}));
  EXPECT_EQ(events.back()["choices"][0]["stop_reason"], ids[3]);
}

TEST_F(Completions, LogprobsStandBesideTheirTokens) {
  const Json choice = ask(with(kAsk, "logprobs", 3))["choices"][0];
  const Json& logprobs = choice["logprobs"];
  ASSERT_EQ(logprobs["tokens"].size(), 24u);
  std::string text;
  for (std::size_t i = 0; i < 24; ++i) {
    const std::string token = logprobs["tokens"][i];
    EXPECT_EQ(logprobs["text_offset"][i], text.size());
    text += token;
    EXPECT_EQ(logprobs["top_logprobs"][i].size(), 3u);
    EXPECT_EQ(logprobs["top_logprobs"][i][token], logprobs["token_logprobs"][i]);  // greedy: the best
    EXPECT_LE(logprobs["token_logprobs"][i], 0);
  }
  EXPECT_EQ(text, choice["text"]);
}

TEST_F(Completions, EchoRepeatsThePromptWithItsLogprobs) {
  Json body = with(with(kAsk, "echo", true), "logprobs", 1);
  const Json whole = ask(body)["choices"][0];
  EXPECT_EQ(whole["text"], kAsk["prompt"].get<std::string>() + text_of(ask(kAsk)));
  const Json& logprobs = whole["logprobs"];
  EXPECT_TRUE(logprobs["token_logprobs"][0].is_null());
  EXPECT_TRUE(logprobs["top_logprobs"][0].is_null());
  // Scoring alone, as harnesses do: the same numbers for the whole text as a prompt.
  Json scoring = body;
  scoring["prompt"] = whole["text"];
  scoring["max_tokens"] = 0;
  const Json scored = ask(scoring)["choices"][0];
  EXPECT_EQ(scored["text"], whole["text"]);
  ASSERT_EQ(scored["logprobs"]["tokens"], logprobs["tokens"]);
  for (std::size_t i = 1; i < logprobs["tokens"].size(); ++i) {
    EXPECT_NEAR(scored["logprobs"]["token_logprobs"][i], logprobs["token_logprobs"][i].get<double>(), 1e-5);
  }
  EXPECT_EQ(streamed(server().stream("/v1/completions", body)), whole["text"]);
  // One token has nothing before it.
  scoring["prompt"] = Json::array({944});
  const Json one = ask(scoring)["choices"][0]["logprobs"];
  EXPECT_EQ(one["tokens"].size(), 1U);
  EXPECT_EQ(one["token_logprobs"], Json::array({nullptr}));
}

TEST_F(Completions, ControlTokensInAPromptAreTextUnlessAskedFor) {
  const std::string forged = "<longcat_user>";
  EXPECT_GT(server().ok("/tokenize", {{"prompt", forged}})["count"], 1);
  EXPECT_EQ(server().ok("/tokenize", {{"prompt", forged}, {"control_tokens", true}})["count"], 1);
}

TEST(CompletionsOfACheckpoint, ItsMinTokensBoundNoShorterAnswer) {
  const StoryServer server({.min_tokens = 50});
  const Json whole = server.ok("/v1/completions", {{"prompt", "Once"}});
  EXPECT_EQ(whole["usage"]["completion_tokens"], 16);
  EXPECT_EQ(server.error(400, "/v1/completions", {{"prompt", "Once"}, {"min_tokens", 50}})["param"],
            "min_tokens");
}

TEST_F(Completions, BadRequestsGetTheirStatusAndParameter) {
  EXPECT_EQ(server().error(400, "/v1/completions", with(kAsk, "suffix", "x"))["param"], "suffix");
  EXPECT_EQ(server().error(404, "/v1/completions", with(kAsk, "model", "gpt"))["code"], "model_not_found");
  EXPECT_EQ(ask(with(kAsk, "model", "other-name"))["model"], "story");
  EXPECT_EQ(server().error(400, "/v1/completions", with(kAsk, "prompt", ""))["param"], "prompt");
  EXPECT_EQ(server().error(400, "/v1/completions", with(kAsk, "prompt", {99999999}))["param"], "prompt");
  EXPECT_EQ(server().error(400, "/v1/completions", with(kAsk, "logit_bias", {{"5", 101}}))["param"],
            "logit_bias");
  EXPECT_EQ(server().error(400, "/v1/completions", with(kAsk, "logit_bias", {{"99999999", 1}}))["param"],
            "logit_bias");
  EXPECT_EQ(server().error(400, "/v1/completions", with(kAsk, "stop_token_ids", {99999999}))["param"],
            "stop_token_ids");
  EXPECT_EQ(server().error(400, "/v1/completions", with(kAsk, "max_tokens", 5000))["code"],
            "context_length_exceeded");
  EXPECT_EQ(server().error(400, "/v1/completions", with(kAsk, "stop", {""}))["type"],
            "invalid_request_error");
  EXPECT_EQ(request(server().port(), "POST", "/v1/completions", "{\"prompt\": ").status, 400);
  EXPECT_EQ(request(server().port(), "POST", "/v1/completions", std::string(1000, '[')).status, 400);
  EXPECT_EQ(request(server().port(), "POST", "/v1/completions").status, 400);
}

// Of a text that cannot fit nothing is encoded. The story's tokens have 17 bytes at most.
TEST_F(Completions, APromptThatCannotFitIsRefusedByItsBytes) {
  const std::string text(4U << 20, 'a');
  for (const auto& [path, body, param] : std::vector<std::tuple<std::string, Json, std::string>>{
           {"/v1/completions", {{"prompt", text}}, "prompt"},
           {"/v1/completions", {{"prompt", {"x", text}}}, "prompt"},
           {"/v1/completions", {{"prompt", text}, {"echo", true}, {"max_tokens", 0}}, "prompt"},
           {"/tokenize", {{"prompt", text}}, "prompt"},
           {"/tokenize",
            {{"prompt", text}, {"control_tokens", true}, {"add_special_tokens", false}},
            "prompt"},
           {"/v1/chat/completions", {{"messages", {{{"role", "user"}, {"content", text}}}}}, "messages"},
           {"/v1/chat/completions",
            {{"messages", {{{"role", "user"}, {"content", {{{"type", "text"}, {"text", text}}}}}}}},
            "messages"},
       }) {
    const Json error = server().error(400, path, body);
    EXPECT_EQ(error["code"], "context_length_exceeded") << path;
    EXPECT_EQ(error["param"], param) << path;
    EXPECT_NE(error["message"].get<std::string>().find(" bytes, which are at least "), std::string::npos)
        << error;
  }
}

TEST_F(Completions, APromptBeyondTheContextIsRefusedByItsTokens) {
  const std::string text(2500, '7');  // digits are tokens of their own
  EXPECT_NE(server().error(400, "/tokenize", {{"prompt", text}})["message"].get<std::string>().find(
                "more than 2048"),
            std::string::npos);
  EXPECT_EQ(server().error(400, "/v1/completions", {{"prompt", text}})["code"], "context_length_exceeded");
  EXPECT_EQ(
      server().ok("/tokenize", {{"prompt", std::string(2000, '7')}, {"add_special_tokens", false}})["count"],
      2000);
  const Json ids(std::vector<int>(2049, 5));
  for (const auto& [path, body, param] : std::vector<std::tuple<std::string, Json, std::string>>{
           {"/v1/completions", {{"prompt", ids}, {"echo", true}}, "prompt"},
           {"/v1/completions", {{"prompt", Json::array({ids})}}, "prompt"},
           {"/detokenize", {{"tokens", ids}}, "tokens"}}) {
    const Json error = server().error(400, path, body);
    EXPECT_EQ(error["code"], "context_length_exceeded") << path;
    EXPECT_EQ(error["param"], param) << path;
  }
  EXPECT_EQ(server().ok("/detokenize", {{"tokens", std::vector<int>(2048, 944)}})["prompt"]
                    .get<std::string>()
                    .size() > 0,
            true);
}

TEST_F(Completions, ABodyOfManyValuesIsRefused) {
  const auto many = [](const std::string& value, std::size_t count) {
    std::string text = R"({"prompt":[)";
    for (std::size_t i = 0; i < count; ++i) text += value + ",";
    return text + "1]}";
  };
  const auto expect_refused = [&](const std::string& path, const std::string& value, std::size_t count) {
    const Reply reply = request(server().port(), "POST", path, many(value, count));
    EXPECT_EQ(reply.status, 400) << path << value;
    EXPECT_NE(reply.body.find("the request body: more than 524288 values"), std::string::npos) << reply.body;
  };
  for (const char* path : {"/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize"}) {
    expect_refused(path, "[]", 524'288);
  }
  for (const char* value : {"{}", "1", "\"\""}) expect_refused("/tokenize", value, 524'288);
  for (const char* value : {"[[[]]]", R"({"a":0,"b":1})"}) expect_refused("/tokenize", value, 180'000);
}

TEST_F(Completions, ArgumentsOfManyValuesAreRefusedTogether) {
  std::string arguments = R"({"a":[)";
  for (int i = 0; i < 300'000; ++i) arguments += "1,";
  arguments += "1]}";
  const Json call = {{"type", "function"}, {"function", {{"name", "f"}, {"arguments", arguments}}}};
  const Json body = {{"messages", {{{"role", "assistant"}, {"content", ""}, {"tool_calls", {call, call}}}}}};
  const Json error = server().error(400, "/v1/chat/completions", body);
  EXPECT_EQ(error["param"], "messages[0].tool_calls[1].function.arguments");
  EXPECT_NE(error["message"].get<std::string>().find("more than "), std::string::npos);
}

TEST_F(Completions, MessagesQuoteNoLongNumbersAndNoControlCharacters) {
  const std::string digits(5000, '9');
  for (const std::string& body : std::vector<std::string>{
           "{\"prompt\":" + digits + "}", "{\"prompt\":1e" + digits + "}", "{\"max_tokens\":" + digits + "}",
           "{\"prompt\":\"x\",\"temperature\":" + digits + "}", "{\"prompt\":[-" + digits + "]}",
           digits + "x", "{\"" + digits + "\":1}", "{\"model\":\"" + digits + "\",\"prompt\":\"x\"}",
           std::string("{\"prompt\":\"x\",\"a\xc2\x9b\":1}"), std::string("{\"prompt\":\"\x01\"}"),
           std::string("{\"model\":\"\\u001b[2J\xc2\x85\",\"prompt\":\"x\"}")}) {
    const Reply reply = request(server().port(), "POST", "/v1/completions", body);
    EXPECT_GE(reply.status, 400) << body.substr(0, 40);
    EXPECT_LT(reply.body.size(), 800U) << body.substr(0, 40);
    const std::string message = parse_json(reply.body, "answer")["error"]["message"].get<std::string>();
    for (std::size_t i = 0; i < message.size(); ++i) {
      const auto c = static_cast<unsigned char>(message[i]);
      EXPECT_FALSE(c < 0x20 || c == 0x7f) << message;
      EXPECT_FALSE(c == 0xc2 && static_cast<unsigned char>(message[i + 1]) < 0xa0) << message;
    }
  }
}

}  // namespace
}  // namespace nestor::testing
