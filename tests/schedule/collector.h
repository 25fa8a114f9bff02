// A reader that keeps what it is told, and says so if it is told anything out of order.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "schedule/request.h"

namespace nestor::schedule {

/// What a request was answered.
struct Answer {
  std::vector<decode::Choice> tokens;
  std::vector<decode::Choice> prompt_scores;
  std::optional<Outcome> outcome;
};

inline std::vector<TokenId> ids_of(const std::vector<decode::Choice>& choices) {
  std::vector<TokenId> ids;
  for (const decode::Choice& c : choices) ids.push_back(c.id);
  return ids;
}

class Collector : public Reader {
 public:
  /// Asks to stop after so many tokens.
  explicit Collector(std::size_t stop_after = std::numeric_limits<std::size_t>::max())
      : stop_after_(stop_after) {}

  decode::Verdict token(const decode::Choice& choice) override {
    EXPECT_FALSE(answer.outcome) << "a token after the end";
    EXPECT_LT(answer.tokens.size(), stop_after_) << "a token after the reader's stop";
    answer.tokens.push_back(choice);
    if (on_token) on_token();
    return answer.tokens.size() == stop_after_ ? decode::Verdict::stop : decode::Verdict::go_on;
  }
  void prompt_scores(std::span<const decode::Choice> scores) override {
    EXPECT_TRUE(answer.tokens.empty() && answer.prompt_scores.empty()) << "scores too late or twice";
    answer.prompt_scores.assign(scores.begin(), scores.end());
  }
  void finished(const Outcome& outcome) override {
    EXPECT_FALSE(answer.outcome) << "finished twice";
    answer.outcome = outcome;
    if (on_finished) on_finished();
  }

  Answer answer;
  std::function<void()> on_token;
  std::function<void()> on_finished;

 private:
  std::size_t stop_after_;
};

}  // namespace nestor::schedule
