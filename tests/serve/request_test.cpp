// Requests of both endpoints: what is read, and what is refused by name.
#include <gtest/gtest.h>

#include "refused.h"
#include "serve/api/chat_request.h"
#include "serve/api/completion_request.h"

namespace nestor::serve {
namespace {

GenerationDefaults defaults() {
  return {.sampling = {.temperature = 0.7}, .stop_ids = {2}, .most_choices = 8};
}

CompletionRequest completion(const std::string& json) {
  return read_completion_request(parse_json(json, "request"), defaults(), 99);
}

ChatRequest chat(const std::string& members) {
  const std::string json = R"({"messages":[{"role":"user","content":"hi"}])" + members + "}";
  return read_chat_request(parse_json(json, "request"), defaults(), 99);
}

ChatRequest chat_of(const std::string& messages) {
  return read_chat_request(parse_json(R"({"messages":)" + messages + "}", "request"), defaults(), 99);
}

constexpr const char* kTool =
    R"(,"tools":[{"type":"function","function":{"name":"look","description":"d","parameters":{"type":"object"}}}])";

TEST(CompletionRequest, DefaultsAreOpenAIsAndTheModels) {
  const auto r = completion(R"({"prompt":"x"})");
  EXPECT_EQ(std::get<std::string>(r.prompts.at(0)), "x");
  EXPECT_EQ(r.settings.max_tokens, 16);
  EXPECT_EQ(r.settings.sampling.temperature, 0.7);
  EXPECT_EQ(r.settings.sampling.seed, 99u);
  EXPECT_EQ(r.settings.stop_ids, std::vector<TokenId>{2});
  EXPECT_EQ(r.settings.n, 1);
  EXPECT_FALSE(r.settings.stream);
  EXPECT_FALSE(r.logprobs);
  EXPECT_TRUE(r.add_special_tokens);
}

TEST(CompletionRequest, AllFormsOfAPrompt) {
  EXPECT_EQ(completion(R"({"prompt":["a","b"]})").prompts.size(), 2u);
  EXPECT_EQ(std::get<std::vector<TokenId>>(completion(R"({"prompt":[1,2,3]})").prompts.at(0)),
            (std::vector<TokenId>{1, 2, 3}));
  const auto arrays = completion(R"({"prompt":[[1],[2,3]]})").prompts;
  EXPECT_EQ(std::get<std::vector<TokenId>>(arrays.at(1)), (std::vector<TokenId>{2, 3}));
  EXPECT_REQUEST_REFUSED(completion("{}"), "prompt", "missing");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":[]})"), "prompt", "expected a string");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":[1,-2]})"), "prompt[1]", "expected a token id");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":[[1],[1.5]]})"), "prompt[1][0]", "expected a token id");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":[{}]})"), "prompt[0]", "expected a string or an array");
}

TEST(CompletionRequest, EveryParameterThatWorks) {
  const auto r = completion(
      R"({"prompt":"x","model":"m","temperature":0.5,"top_p":0.9,"top_k":40,"min_p":0.1,"repetition_penalty":1.1,
          "presence_penalty":-1,"frequency_penalty":2,"seed":-7,"logit_bias":{"5":-100},"n":2,"best_of":2,
          "max_tokens":3,"min_tokens":1,"stop":["a","b"],"stop_token_ids":[7],"ignore_eos":true,
          "include_stop_str_in_output":true,"skip_special_tokens":false,"priority":-3,"stream":true,
          "stream_options":{"include_usage":true},"echo":true,"logprobs":5,"add_special_tokens":false,
          "control_tokens":true,"user":"u","metadata":{"a":1}})");
  const auto& s = r.settings;
  EXPECT_EQ(s.sampling.top_k, 40);
  EXPECT_EQ(s.sampling.min_p, 0.1);
  EXPECT_EQ(s.sampling.seed, static_cast<std::uint64_t>(-7));
  EXPECT_EQ(s.sampling.logit_bias.at(5), -100);
  EXPECT_EQ(s.stop_ids, std::vector<TokenId>{7});
  EXPECT_TRUE(s.eos_ids.empty());
  EXPECT_EQ(s.stops, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(s.priority, -3);
  EXPECT_TRUE(s.include_stop && s.include_usage && s.stream && !s.skip_special_tokens);
  EXPECT_TRUE(r.echo && r.control_tokens && !r.add_special_tokens);
  EXPECT_EQ(r.logprobs, 5);
  EXPECT_EQ(completion(R"({"prompt":"x","response_format":{"type":"json_object"}})").format.kind,
            ResponseFormat::Kind::json_object);
}

TEST(CompletionRequest, WhatHasAFormEndsWithIt) {
  EXPECT_REQUEST_REFUSED(
      completion(R"({"prompt":"x","ignore_eos":true,"response_format":{"type":"json_object"}})"),
      "ignore_eos", "ends where the form is complete");
  EXPECT_NO_THROW(completion(R"({"prompt":"x","ignore_eos":true,"response_format":{"type":"text"}})"));
  EXPECT_REQUEST_REFUSED(chat(R"(,"ignore_eos":true,"response_format":{"type":"json_object"})"), "ignore_eos",
                         "ends where the form is complete");
  EXPECT_REQUEST_REFUSED(chat(kTool + std::string(R"(,"ignore_eos":true,"tool_choice":"required")")),
                         "ignore_eos", "a required tool call");
  EXPECT_NO_THROW(chat(kTool + std::string(R"(,"ignore_eos":true)")));
}

TEST(CompletionRequest, NothingIsIgnored) {
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","suffix":"y"})"), "suffix", "cannot fill in");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","best_of":2})"), "best_of", "only best_of = n");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","use_beam_search":true})"), "use_beam_search",
                         "no beam search");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","guided_json":{}})"), "guided_json", "response_format");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","mystery":1})"), "mystery", "unknown parameter");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","stream":true,"stream_options":{"odd":1}})"),
                         "stream_options.odd", "unknown parameter");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","stream_options":{}})"), "stream_options",
                         "only with stream");
  EXPECT_NO_THROW(completion(R"({"prompt":"x","mystery":null,"suffix":null})"));
}

TEST(CompletionRequest, RangesAndTypes) {
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","temperature":-1})"), "temperature", "expected 0 to");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","temperature":"hot"})"), "temperature",
                         "expected a number");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","top_p":-0.1})"), "top_p", "expected");
  EXPECT_GT(completion(R"({"prompt":"x","top_p":0})").settings.sampling.top_p, 0);
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","max_tokens":1.5})"), "max_tokens", "whole number");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","max_tokens":18446744073709551615})"), "max_tokens",
                         "expected 0");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","logprobs":21})"), "logprobs", "expected 0 to 20");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":["a","b","c"],"n":3})"), "n", "9 answers");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","logit_bias":{"a":1}})"), "logit_bias",
                         "token ids as keys");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","stop":[1]})"), "stop", "expected strings");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","stop":""})"), "stop", "1 to 1024 bytes");
  EXPECT_REQUEST_REFUSED(completion(to_text(Json{{"prompt", "x"}, {"stop", std::string(1025, 's')}})), "stop",
                         "found one of 1025");
  EXPECT_REQUEST_REFUSED(
      completion(to_text(Json{{"prompt", "x"}, {"stop_token_ids", std::vector<int>(4097, 1)}})),
      "stop_token_ids", "at most 4096 ids");
  EXPECT_REQUEST_REFUSED(completion(R"({"prompt":"x","stop":"}","response_format":{"type":"json_object"}})"),
                         "stop", "where the form is complete");
  EXPECT_REQUEST_REFUSED(completion(R"([1])"), "", "expected an object");
}

TEST(MaxTokens, AreWhatTheContextAndTheOperatorAllow) {
  const GenerationDefaults free, strict{.most_max_tokens = 10};
  EXPECT_EQ(resolve_max_tokens(5, 9, free, {10, "prompt"}, 100), 5);
  EXPECT_EQ(resolve_max_tokens({}, 9, free, {10, "prompt"}, 100), 9);
  EXPECT_EQ(resolve_max_tokens({}, {}, free, {10, "prompt"}, 100), 91);
  EXPECT_EQ(resolve_max_tokens({}, 90, free, {95, "prompt"}, 100), 6);
  EXPECT_EQ(resolve_max_tokens({}, 90, strict, {10, "prompt"}, 100), 10);
  EXPECT_EQ(resolve_max_tokens(91, {}, free, {10, "prompt"}, 100), 91);
  EXPECT_REQUEST_REFUSED(resolve_max_tokens(92, {}, free, {10, "prompt"}, 100), "max_tokens",
                         "context limit is 100");
  EXPECT_REQUEST_REFUSED(resolve_max_tokens(11, {}, strict, {10, "prompt"}, 100), "max_tokens", "at most 10");
  EXPECT_REQUEST_REFUSED(resolve_max_tokens({}, {}, free, {101, "prompt"}, 100), "prompt",
                         "shorten the prompt");
}

TEST(ChatRequest, MessagesBecomeWhatTemplatesExpect) {
  const auto r = chat_of(
      R"([{"role":"developer","content":[{"type":"text","text":"be "},{"type":"text","text":"brief"}]},
      {"role":"user","content":"hi","name":"ann","type":"text"},
      {"role":"assistant","content":null,"refusal":null,"annotations":[],"tool_calls":[
        {"id":"c1","type":"function","function":{"name":"look","arguments":"{\"at\":[1]}"}}]},
      {"role":"tool","tool_call_id":"c1","content":"seen"}])");
  EXPECT_EQ(to_text(r.messages),
            R"([{"role":"system","content":"be brief"},{"role":"user","content":"hi","name":"ann"},)"
            R"({"role":"assistant","content":"","tool_calls":[{"type":"function","function":{"name":"look",)"
            R"("arguments":{"at":[1]}},"id":"c1"}]},{"role":"tool","content":"seen","tool_call_id":"c1"}])");
}

TEST(ChatRequest, MessagesAreRefusedByPlace) {
  EXPECT_REQUEST_REFUSED(chat_of("[]"), "messages", "at least one");
  EXPECT_REQUEST_REFUSED(chat_of(R"([{"role":"owner","content":""}])"), "messages[0].role",
                         "expected system");
  EXPECT_REQUEST_REFUSED(chat_of(R"([{"role":"user"}])"), "messages[0].content", "missing");
  EXPECT_REQUEST_REFUSED(chat_of(R"([{"role":"user","content":[{"type":"image_url"}]}])"),
                         "messages[0].content[0].type", "only parts of type text");
  EXPECT_REQUEST_REFUSED(chat_of(R"([{"role":"user","content":"","tool_calls":[]}])"),
                         "messages[0].tool_calls", "only messages of the assistant");
  EXPECT_REQUEST_REFUSED(chat_of(R"([{"role":"user","content":"","weight":1}])"), "messages[0].weight",
                         "unknown");
  EXPECT_REQUEST_REFUSED(
      chat_of(R"([{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{"}}]}])"),
      "messages[0].tool_calls[0].function.arguments", "not valid JSON");
}

TEST(ChatRequest, ToolsAndTheirChoice) {
  EXPECT_EQ(chat("").tool_choice.kind, ToolChoice::Kind::none);
  EXPECT_EQ(chat(kTool).tool_choice.kind, ToolChoice::Kind::automatic);
  EXPECT_EQ(chat(kTool + std::string(R"(,"tool_choice":"none")")).tool_choice.kind, ToolChoice::Kind::none);
  EXPECT_EQ(chat(kTool + std::string(R"(,"tool_choice":"required")")).tool_choice.kind,
            ToolChoice::Kind::required);
  const auto named =
      chat(kTool + std::string(R"(,"tool_choice":{"type":"function","function":{"name":"look"}})"));
  EXPECT_EQ(named.tool_choice.kind, ToolChoice::Kind::named);
  EXPECT_EQ(named.tool_choice.name, "look");
  EXPECT_REQUEST_REFUSED(chat(R"(,"tool_choice":"required")"), "tool_choice", "there are no tools");
  EXPECT_REQUEST_REFUSED(
      chat(kTool + std::string(R"(,"tool_choice":{"type":"function","function":{"name":"x"}})")),
      "tool_choice.function.name", "no tool is called");
  EXPECT_REQUEST_REFUSED(chat(kTool + std::string(R"(,"tool_choice":"maybe")")), "tool_choice",
                         "expected none");
  EXPECT_REQUEST_REFUSED(chat(R"(,"tools":[{"type":"function","function":{"name":"a b"}}])"),
                         "tools[0].function.name", "letters");
  EXPECT_REQUEST_REFUSED(chat(kTool + std::string(R"(,"response_format":{"type":"json_object"})")),
                         "response_format", "no tool can be called");
}

TEST(ChatRequest, NothingIsIgnored) {
  for (const std::string key : {"functions", "function_call", "audio", "prediction", "web_search_options",
                                "reasoning_effort", "verbosity", "chat_template"}) {
    EXPECT_REQUEST_REFUSED(chat(",\"" + key + "\":\"x\""), key, key);
  }
  EXPECT_REQUEST_REFUSED(chat(R"(,"top_logprobs":3)"), "top_logprobs", "only with logprobs");
  EXPECT_REQUEST_REFUSED(chat(R"(,"max_tokens":3,"max_completion_tokens":4)"), "max_tokens", "contradicts");
  EXPECT_EQ(chat(R"(,"max_tokens":4,"max_completion_tokens":4)").settings.max_tokens, 4);
  EXPECT_REQUEST_REFUSED(chat(R"(,"response_format":{"type":"xml"})"), "response_format.type",
                         "expected text");
  EXPECT_REQUEST_REFUSED(chat(R"(,"response_format":{"type":"json_schema"})"), "response_format.json_schema",
                         "missing");
}

TEST(ChatRequest, TemplateVariablesCannotForgeWhatTheTemplateVouchesFor) {
  EXPECT_EQ(chat(R"(,"chat_template_kwargs":{"thinking":true})").template_variables["thinking"], true);
  for (const std::string key :
       {"messages", "bos_token", "eos_token", "now", "tools", "add_generation_prompt"}) {
    EXPECT_REQUEST_REFUSED(chat(R"(,"chat_template_kwargs":{")" + key + R"(":"<longcat_user>"})"),
                           "chat_template_kwargs." + key, "cannot be given");
  }
}

}  // namespace
}  // namespace nestor::serve
