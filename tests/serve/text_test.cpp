// Small texts: log lines, metrics, tokens, answers cut at stop texts.
#include <gtest/gtest.h>

#include "base/error.h"
#include "schedule/engine.h"
#include "serve/answer/constraints.h"
#include "serve/answer/logprobs.h"
#include "serve/answer/text_pipe.h"
#include "serve/api/error_answer.h"
#include "serve/api/request_error.h"
#include "serve/log.h"
#include "serve/metrics_text.h"
#include "support/paths.h"
#include "support/refusal.h"

namespace nestor::serve {
namespace {

const tokenizer::Tokenizer& story() {
  static const auto tokenizer =
      tokenizer::Tokenizer::load(nestor::testing::story_folder() / "tokenizer.json");
  return tokenizer;
}

std::vector<TokenId> ids_of(const std::string& text) {
  return story().encode(text, tokenizer::PostProcess::omit, tokenizer::ControlTokens::everywhere());
}

std::string piped(const std::string& text, const TextPipe::Options& options) {
  TextPipe pipe(story(), options);
  std::string out;
  for (const TokenId id : ids_of(text)) out += pipe.push(id);
  return out + pipe.finish();
}

TEST(TextPipe, SkipsSpecialTokensButThoseThatAreKept) {
  EXPECT_EQ(piped("a<longcat_user>b", {}), "ab");
  EXPECT_EQ(piped("a<longcat_user>b", {.skip_special_tokens = false}), "a<longcat_user>b");
  const auto kept = std::make_shared<const KeptTokens>(KeptTokens{*story().id_of("<longcat_think>")});
  EXPECT_EQ(piped("<longcat_think>a<longcat_user>b", {.kept = kept}), "<longcat_think>ab");
}

TEST(TextPipe, EndsAtAStopText) {
  EXPECT_EQ(piped("one two three", {.stops = {"wo t"}}), "one t");
  EXPECT_EQ(piped("one two three", {.stops = {"wo t"}, .include_stop = true}), "one two t");
  EXPECT_EQ(piped("one two three", {.stops = {"threee"}}), "one two three");
}

TEST(Constraints, KeepTheGrammarsOfFormsThatComeAgain) {
  Constraints constraints(story(), {2});
  const auto schema = [](int value) {
    return ResponseFormat{.kind = ResponseFormat::Kind::json_schema, .schema = {{"const", value}}};
  };
  const auto first = constraints.of_format(schema(0));
  EXPECT_EQ(constraints.of_format(schema(0)), first);
  EXPECT_NE(constraints.of_format(schema(1)), first);
  for (int i = 0; i < 40; ++i) (void)constraints.of_format(schema(i));
  EXPECT_NE(constraints.of_format(schema(0)), first);  // not for ever
  const Json tools = parse_json(
      R"([{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}])",
      "tools");
  const auto any = constraints.of_tool_calls(tools, {});
  EXPECT_EQ(constraints.of_tool_calls(tools, {}), any);
  EXPECT_NE(constraints.of_tool_calls(tools, {.name = "a"}), any);
  EXPECT_NE(constraints.of_tool_calls(tools, {.name = {}, .max_calls = 1}), any);
}

TEST(TokenText, IsTextOrBytes) {
  EXPECT_EQ(token_text(story(), ids_of(" the").at(0)), " the");
  const auto parts = ids_of("\xF0\x9F\xA6\x8A");  // a fox in four bytes
  ASSERT_GT(parts.size(), 1u);
  EXPECT_TRUE(token_text(story(), parts[0]).starts_with("bytes:\\xf0"));
}

TEST(CompletionLogprobs, OfTheSameTextTheBestStays) {
  CompletionLogprobs logprobs(story());
  const TokenId id = ids_of(" the").at(0);
  logprobs.add({.id = id, .logprob = -1.0f, .top = {{id, -1.0f}}});
  logprobs.add({.id = id, .logprob = -std::numeric_limits<float>::infinity(), .top = {}});
  const Json taken = logprobs.take();
  EXPECT_EQ(to_text(taken), R"({"tokens":[" the"," the"],"token_logprobs":[-1.0,-9999.0],)"
                            R"("top_logprobs":[{" the":-1.0},{}],"text_offset":[0,4]})");
  EXPECT_TRUE(logprobs.take()["tokens"].empty());
}

TEST(LogLine, HasTimeLevelEventAndQuotedValues) {
  EXPECT_EQ(log_line(1'700'000'000'042, LogLevel::warn, "refused",
                     {{"path", "/x"}, {"error", "a \"b\"\nc"}, {"e", ""}}),
            "2023-11-14T22:13:20.042Z warn refused path=/x error=\"a \\\"b\\\"\\x0ac\" e=\"\"");
}

TEST(Log, DropsWhatIsBelowItsLevel) {
  std::vector<std::string> lines;
  Log log(LogLevel::warn, [&](std::string_view line) {
    lines.emplace_back(line);
    return true;
  });
  log.write(LogLevel::info, "no", {});
  log.write(LogLevel::error, "yes", {});
  EXPECT_EQ(lines.size(), 1u);
  EXPECT_EQ(log_level("debug"), LogLevel::debug);
  EXPECT_REFUSED(log_level("loud"), ErrorKind::usage, "expected error, warn, info or debug");
}

TEST(Log, CountsWhatCannotBeWritten) {
  bool full = true;
  Log log(LogLevel::info, [&](std::string_view) { return !full; });
  for (int i = 0; i < 3; ++i) log.write(LogLevel::info, "lost", {});
  log.write(LogLevel::debug, "not wanted", {});
  EXPECT_EQ(log.dropped(), 3U);
  full = false;
  log.write(LogLevel::info, "written", {});
  EXPECT_EQ(log.dropped(), 3U);
}

TEST(Metrics, HistogramsAreCumulative) {
  schedule::Snapshot snapshot;
  snapshot.step.add(0.003);
  snapshot.step.add(0.004);
  snapshot.step.add(1000);
  const std::string text = metrics_text(snapshot, {{{"/health", 200}, 3}}, 2, 5);
  for (const char* line :
       {"\nnestor_step_seconds_bucket{le=\"0.002\"} 0\n", "\nnestor_step_seconds_bucket{le=\"0.005\"} 2\n",
        "\nnestor_step_seconds_bucket{le=\"300\"} 2\n", "\nnestor_step_seconds_bucket{le=\"+Inf\"} 3\n",
        "\nnestor_step_seconds_count 3\n", "\nnestor_http_connections 2\n",
        "\nnestor_log_lines_dropped_total 5\n",
        "\nnestor_http_responses_total{route=\"/health\",status=\"200\"} 3\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
}

TEST(ErrorAnswer, KindsHaveTheirStatus) {
  const auto status = [](const std::exception& e) { return answer_to(e).status; };
  EXPECT_EQ(status(RequestError(ErrorKind::bad_input, "p", "m")), 400);
  EXPECT_EQ(status(Error(ErrorKind::not_found, "m")), 404);
  EXPECT_EQ(status(Error(ErrorKind::internal, "m")), 500);
  EXPECT_EQ(status(std::bad_alloc()), 503);
  EXPECT_EQ(status(std::runtime_error("m")), 500);
  const auto full = answer_to(
      static_cast<const std::exception&>(schedule::Busy(schedule::Busy::Reason::queue_full, 7, "later")));
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(full.headers.at(0).value, "7");
  EXPECT_EQ(error_body("m", "t", "p"), R"({"error":{"message":"m","type":"t","param":"p","code":null}})");
}

std::string message_of(const HttpResponse& answer) {
  return parse_json(answer.body, "answer").at("error").at("message").get<std::string>();
}

// Paths, and whatever else stands in an error of this machine, are for its log.
TEST(ErrorAnswer, WhatWentWrongInsideIsNotTold) {
  for (const HttpResponse& answer :
       {answer_to(Error(ErrorKind::io, "cannot read /srv/models/x/model.safetensors")),
        answer_to(Error(ErrorKind::internal, "/srv/models/x")),
        answer_to(static_cast<const std::exception&>(std::runtime_error("/srv/models/x"))),
        answer_to(static_cast<const std::exception&>(Error(ErrorKind::io, "/srv/models/x")))}) {
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(message_of(answer), "the server could not answer this request; its log says why");
  }
}

TEST(ErrorAnswer, HasNoControlCharactersAndAnEnd) {
  for (const auto& [text, shown] : std::vector<std::pair<std::string, std::string>>{
           {"a\nb\tc", "a\\x0ab\\x09c"},
           {std::string("a\0b", 3), "a\\x00b"},
           {"\x1b[2J", "\\x1b[2J"},
           {"\x7f", "\\x7f"},
           {"\xc2\x85\xc2\x9b", "\\xc2\\x85\\xc2\\x9b"},
           {"\xff", "\\xff"},
           {"\xc3\xa4 \xf0\x9f\xa6\x8a", "\xc3\xa4 \xf0\x9f\xa6\x8a"},
       }) {
    EXPECT_EQ(message_of(error_answer(400, text)), shown);
    EXPECT_EQ(parse_json(error_answer(400, "m", text).body, "answer")["error"]["param"], shown);
  }
  std::string long_text;
  for (int i = 0; i < 3000; ++i) long_text += "\xc3\xa4";
  const std::string cut = message_of(error_answer(400, "x" + long_text));
  EXPECT_EQ(cut, "x" + long_text.substr(0, 598) + "...");
}

}  // namespace
}  // namespace nestor::serve
