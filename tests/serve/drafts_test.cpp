// Requests that name a drafter: the same answers, and what is said of the drafts.
#include <gtest/gtest.h>

#include "story_server.h"

namespace nestor::testing {
namespace {

const Json kAsk = {{"prompt", "Once upon a time there was"},
                   {"max_tokens", 40},
                   {"temperature", 0.7},
                   {"seed", 5},
                   {"n", 2}};

class Drafts : public ::testing::Test {
 protected:
  static StoryServer& server() {
    static StoryServer server;
    return server;
  }
  static Json ask(const Json& body) { return server().ok("/v1/completions", body); }
  static std::string refused(const Json& body) {
    return server().error(400, "/v1/completions", body)["message"];
  }
};

Json texts(const Json& answer) {
  Json all = Json::array();
  for (const Json& choice : answer["choices"]) all.push_back(choice["text"]);
  return all;
}

TEST_F(Drafts, ChangeNoAnswer) {
  const Json plain = ask(with(kAsk, "draft", "off"));
  const Json& none = plain["usage"]["completion_tokens_details"];
  EXPECT_EQ(none["accepted_prediction_tokens"], 0);
  EXPECT_EQ(none["rejected_prediction_tokens"], 0);
  for (const char* who : {"mtp", "lookup", "lookup,mtp", "auto"}) {
    for (const int tokens : {1, 3}) {
      const Json drafted = ask(with(with(kAsk, "draft", who), "draft_tokens", tokens));
      EXPECT_EQ(texts(drafted), texts(plain)) << who;
    }
    EXPECT_EQ(texts(ask(with(kAsk, "draft", who))), texts(plain)) << who;
  }
}

TEST_F(Drafts, AreCountedInUsageAndMetrics) {
  const Json answer = ask(with(with(kAsk, "draft", "mtp"), "draft_tokens", 2));
  const Json& details = answer["usage"]["completion_tokens_details"];
  EXPECT_GT(details["accepted_prediction_tokens"].get<int>(), 15);  // of 80 tokens; some 40 usually
  EXPECT_GT(details["rejected_prediction_tokens"].get<int>(), 5);
  const std::string metrics = request(server().port(), "GET", "/metrics").body;
  for (const char* line : {"nestor_drafted_tokens_total{drafter=\"mtp\",position=\"1\"}",
                           "nestor_drafted_tokens_total{drafter=\"mtp\",position=\"2\"}",
                           "nestor_accepted_draft_tokens_total{drafter=\"mtp\",position=\"1\"}"}) {
    EXPECT_NE(metrics.find(line), std::string::npos) << line;
  }
}

TEST_F(Drafts, ThatCannotBeHadAreRefusedByName) {
  EXPECT_NE(refused(with(kAsk, "draft", "oracle")).find("no drafter is called 'oracle'"), std::string::npos);
  EXPECT_NE(refused(with(kAsk, "draft", "mtp,")).find("no drafter is called ''"), std::string::npos);
  EXPECT_NE(refused(with(kAsk, "draft", 3)).find("draft"), std::string::npos);
  for (const int tokens : {0, 9, -1})
    EXPECT_NE(refused(with(kAsk, "draft_tokens", tokens)).find("draft_tokens"), std::string::npos);
  StoryServer without({.draft = model::DraftBlock::none});
  const Json error = without.error(400, "/v1/completions", with(kAsk, "draft", "mtp"));
  EXPECT_NE(error["message"].get<std::string>().find("has no drafter mtp"), std::string::npos);
  EXPECT_EQ(error["param"], "draft");
  EXPECT_EQ(texts(without.ok("/v1/completions", with(kAsk, "draft", "auto"))), texts(ask(kAsk)));
}

}  // namespace
}  // namespace nestor::testing
