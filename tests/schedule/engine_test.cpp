#include "schedule/engine.h"

#include <gtest/gtest.h>

#include <future>

#include "toy_model.h"

namespace nestor::schedule {
namespace {

class Collector : public Reader {
 public:
  decode::Verdict token(const decode::Choice& choice) override {
    tokens.push_back(choice.id);
    return decode::Verdict::go_on;
  }
  void finished(const Outcome& outcome) override { done.set_value(outcome); }

  std::vector<TokenId> tokens;
  std::promise<Outcome> done;
};

TEST(Engine, AnswersARequest) {
  Engine engine(std::make_unique<ToyModel>(), {});
  const auto reader = std::make_shared<Collector>();
  engine.submit({decode::Turn({1, 2, 3}, {.temperature = 0}, {.max_tokens = 5})}, reader);
  const Outcome outcome = reader->done.get_future().get();
  EXPECT_EQ(outcome.reason, decode::FinishReason::length);
  EXPECT_EQ(reader->tokens.size(), 5U);
}

}  // namespace
}  // namespace nestor::schedule
