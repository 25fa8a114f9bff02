// No memory while requests are answered: a request may end with an error that says so; whoever asks again
// gets the right answer.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "decode/turn.h"
#include "each_failure.h"
#include "schedule/engine.h"
#include "support/golden.h"

namespace nestor::testing {
namespace {

class LostRequest : public ::testing::TestWithParam<Failures> {};

// Keeps what it is told and can be waited for.
class Told : public schedule::Reader {
 public:
  decode::Verdict token(const decode::Choice& choice) override {
    tokens.push_back(choice.id);
    return decode::Verdict::go_on;
  }
  void finished(const schedule::Outcome& outcome) override {
    const std::lock_guard lock(mutex_);
    error = outcome.error;
    ended_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_; });
  }

  std::vector<TokenId> tokens;
  std::optional<Error> error;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
};

constexpr std::int64_t kTokens = 6;

std::shared_ptr<Told> ask(schedule::Engine& engine) {
  auto told = std::make_shared<Told>();
  std::vector<schedule::Request> requests;
  requests.push_back({decode::Turn({1, 5, 9, 3}, {.temperature = 0}, {.max_tokens = kTokens}), 0, told});
  engine.submit(std::move(requests));
  told->wait();
  return told;
}

TEST_P(LostRequest, ToTheEngineWhileItWorks) {
  schedule::Engine engine(open_model(golden_folder("lite_small"), "auto", 2), {});
  const std::vector<TokenId> expected = ask(engine)->tokens;
  ASSERT_EQ(expected.size(), static_cast<std::size_t>(kTokens));
  for (const std::int64_t count : {1, 3, 1000}) {
    std::int64_t ended = 0;
    bool all = false;
    for (std::int64_t at = 0; at < GetParam().most && !all; ++at) {
      std::shared_ptr<Told> told;
      {
        const FailingNew failing(Threads::others, at, count);
        told = ask(engine);
        all = !failing.has_failed();
      }
      if (told->error) {
        ++ended;
        EXPECT_EQ(told->error->kind(), ErrorKind::busy) << told->error->what();
      } else {
        EXPECT_EQ(told->tokens, expected);
      }
      EXPECT_EQ(ask(engine)->tokens, expected) << "after allocation " << at;
    }
    EXPECT_GT(ended, 0);
    const auto unfinished = [&] { return engine.snapshot().running + engine.snapshot().waiting; };
    // A reader is told of its end before the snapshot is.
    for (int i = 0; i < 10'000 && unfinished() > 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_EQ(unfinished(), 0);
  }
}

TEST_P(LostRequest, ToTheEngineBeforeItIsTaken) {
  schedule::Engine engine(open_model(golden_folder("lite_small"), "auto", 2), {});
  const std::vector<TokenId> expected = ask(engine)->tokens;
  fail_each_allocation(
      GetParam(), [&] { ask(engine); }, [&] { EXPECT_EQ(ask(engine)->tokens, expected); });
}

const auto named = [](const auto& info) { return "UpTo" + std::to_string(info.param.most); };
INSTANTIATE_TEST_SUITE_P(Some, LostRequest, ::testing::Values(Failures{150}), named);
INSTANTIATE_TEST_SUITE_P(Most, LostRequest, ::testing::Values(Failures{5000}), named);

}  // namespace
}  // namespace nestor::testing
