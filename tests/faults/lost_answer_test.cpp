// No memory while the server works: every allocation of a request, in whatever thread, fails once, alone and
// with those that follow. Its client gets an error, or its connection ends; whoever asks then gets the right
// answer.
#include <map>

#include "each_failure.h"
#include "serve/story_server.h"

namespace nestor::testing {
namespace {

class LostAnswer : public ::testing::TestWithParam<Failures> {};

// What a request that was answered says, be it a stream or not; empty after an error.
std::string text_of(const Reply& reply) {
  if (reply.status != 200) return "";
  if (!reply.body.starts_with("data: ")) {
    Json choices = parse_json(reply.body, "answer").at("choices");
    for (Json& choice : choices) {
      if (!choice.contains("message") || !choice["message"].contains("tool_calls")) continue;
      for (Json& call : choice["message"]["tool_calls"]) call.erase("id");  // which is random
    }
    return to_text(choices);
  }
  if (reply.body.find("data: {\"error\"") != std::string::npos) return "";
  std::string text;
  for (const Json& event : events_of(reply.body)) text += to_text(event.at("choices"));
  return text;
}

void expect_failures_end_requests(const Failures& failures, const std::string& path, const Json& body) {
  StoryServer server({.options = {.http = {.answer_time = std::chrono::seconds(30)}}});
  const std::string expected = text_of(server.post(path, body));
  ASSERT_FALSE(expected.empty());
  std::int64_t total = 0;
  {
    const FailingNew counting(Threads::others, FailingNew::kNone, 1);
    server.post(path, body);
    total = counting.allocations();
  }
  const std::int64_t tries = std::min(total, failures.most);
  std::map<int, std::int64_t> statuses;
  for (std::int64_t i = 0; i < tries; ++i) {
    const std::int64_t at = i * total / tries;
    for (const std::int64_t count : {1, 30}) {
      Reply reply;
      {
        const FailingNew failing(Threads::others, at, count);
        reply = server.post(path, body);
      }
      ++statuses[reply.status];
      if (reply.status == 503) {
        EXPECT_EQ(parse_json(reply.body, "answer").at("error").at("type"), "service_unavailable")
            << reply.body;
      } else if (const std::string text = text_of(reply); !text.empty()) {
        EXPECT_EQ(text, expected);
      } else {
        // 0: the connection ended, as it does in the middle of a stream; 504: there was no memory to say so.
        EXPECT_TRUE(reply.status == 200 || reply.status == 0 || reply.status == 504) << reply.body;
      }
      EXPECT_EQ(text_of(server.post(path, body)), expected)
          << "after allocation " << at << " of " << total << " and " << count - 1 << " more";
    }
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(statuses[503], tries / 4);  // where there is memory for it, they are told
  EXPECT_LE(statuses[504], tries / 20);
  server.wait_for_at_most("requests_running", 0);
}

const Json kMessages = {{{"role", "user"}, {"content", "Tell me a story."}}};

TEST_P(LostAnswer, OfACompletion) {
  expect_failures_end_requests(GetParam(), "/v1/completions",
                               {{"prompt", "Once upon a time"}, {"max_tokens", 4}, {"n", 2}});
}

TEST_P(LostAnswer, OfAStreamHeldToASchema) {
  const Json schema = {{"type", "object"}, {"properties", {{"a", {{"type", "integer"}}}}}};
  expect_failures_end_requests(
      GetParam(), "/v1/chat/completions",
      {{"messages", kMessages},
       {"max_tokens", 6},
       {"stream", true},
       {"response_format", {{"type", "json_schema"}, {"json_schema", {{"name", "x"}, {"schema", schema}}}}}});
}

TEST_P(LostAnswer, OfAChatWithTools) {
  const Json tool = {{"type", "function"},
                     {"function", {{"name", "f"}, {"parameters", {{"type", "object"}}}}}};
  expect_failures_end_requests(GetParam(), "/v1/chat/completions",
                               {{"messages", kMessages},
                                {"max_tokens", 6},
                                {"tools", Json::array({tool})},
                                {"tool_choice", "required"}});
}

const auto named = [](const auto& info) { return "UpTo" + std::to_string(info.param.most); };
INSTANTIATE_TEST_SUITE_P(Some, LostAnswer, ::testing::Values(Failures{100}), named);
INSTANTIATE_TEST_SUITE_P(Most, LostAnswer, ::testing::Values(Failures{100'000}), named);

}  // namespace
}  // namespace nestor::testing
