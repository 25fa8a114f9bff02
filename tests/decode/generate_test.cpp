#include "decode/generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

#include "support/refusal.h"
#include "support/toy_model.h"

namespace nestor::decode {
namespace {

using testing::ToyModel;
using Ids = std::vector<TokenId>;
const SamplingParams greedy{.temperature = 0};

Ids list(std::span<const TokenId> ids) { return {ids.begin(), ids.end()}; }

Ids prompt_of(std::size_t length, std::uint64_t key) {
  Ids ids(length);
  for (std::size_t i = 0; i < length; ++i) ids[i] = static_cast<TokenId>(50 * uniform(key, i, 3));
  return ids;
}

/// Turns of different lengths, parameters and ends.
std::vector<Turn> many_turns() {
  std::vector<Turn> turns;
  for (std::uint64_t i = 0; i < 23; ++i) {
    SamplingParams params{.temperature = 0.25 * static_cast<double>(i % 5), .seed = i / 2};
    if (i % 3 == 1) params.top_k = 7;
    if (i % 4 == 1) params.frequency_penalty = 0.5;
    if (i % 7 == 2) params.top_logprobs = 2;
    StopRule stop{.ids = {0, 1}, .max_tokens = static_cast<std::int64_t>(i * 3 % 41)};
    turns.emplace_back(prompt_of(1 + i * i % 37, i), params, stop, i);
  }
  return turns;
}

/// The shortest possible loop: one token at a time, no chunks, no other turn.
void run_alone(Turn& turn, ToyModel& model) {
  Sampler sampler;
  while (!turn.finished()) {
    turn.take(testing::logits_after(turn.history(), model.info().vocab_size), sampler);
  }
}

TEST(Generate, EveryWayOfBatchingEqualsEachTurnAlone) {
  ToyModel toy;
  std::vector<Turn> alone = many_turns();
  for (Turn& turn : alone) run_alone(turn, toy);
  std::size_t stopped = 0, long_ones = 0;
  for (const Turn& turn : alone) {
    stopped += turn.finish_reason() == FinishReason::stop ? 1 : 0;
    long_ones += turn.finish_reason() == FinishReason::length ? 1 : 0;
  }
  EXPECT_GT(stopped, 3U);  // the case has both ends
  EXPECT_GT(long_ones, 3U);

  for (const std::int64_t chunk : {1, 3, 512}) {
    for (const std::int64_t rows : {1, 5, 64, 1024}) {
      for (const std::int64_t at_once : {1, 4, 32}) {
        ToyModel model;
        std::vector<Turn> turns = many_turns();
        std::vector<Ids> seen(turns.size());
        generate(model, turns, {.prefill_chunk = chunk, .rows_per_forward = rows, .turns_at_once = at_once},
                 [&](std::size_t turn, const Choice& choice) {
                   seen[turn].push_back(choice.id);
                   return Verdict::go_on;
                 });
        for (std::size_t i = 0; i < turns.size(); ++i) {
          EXPECT_EQ(list(turns[i].generated()), list(alone[i].generated())) << "turn " << i;
          EXPECT_EQ(seen[i], list(alone[i].generated()));
          EXPECT_EQ(turns[i].finish_reason(), alone[i].finish_reason());
          EXPECT_EQ(turns[i].logprobs().size(), turns[i].params().top_logprobs ? seen[i].size() : 0);
        }
        EXPECT_EQ(model.open_now(), 0);
        EXPECT_LE(model.most_rows, rows);
        EXPECT_LE(model.most_open, std::min(at_once, rows));
        EXPECT_LE(model.longest_chunk, chunk);
      }
    }
  }
}

TEST(Generate, TheOrderOfTheTurnsDoesNotMatter) {
  ToyModel model;
  std::vector<Turn> turns = many_turns(), reversed = many_turns();
  std::reverse(reversed.begin(), reversed.end());
  generate(model, turns, {}, {});
  generate(model, reversed, {.turns_at_once = 5}, {});
  for (std::size_t i = 0; i < turns.size(); ++i) {
    EXPECT_EQ(list(turns[i].generated()), list(reversed[turns.size() - 1 - i].generated()));
  }
}

TEST(Generate, RunsTogetherWhatFits) {
  ToyModel model;
  std::vector<Turn> turns;
  for (std::uint64_t i = 0; i < 4; ++i)
    turns.emplace_back(prompt_of(10, i), greedy, StopRule{.max_tokens = 6});
  generate(model, turns, {.prefill_chunk = 10, .rows_per_forward = 40}, {});
  EXPECT_EQ(model.forwards, 6);  // one for all prompts, which gives the first tokens, and five more
  EXPECT_EQ(model.most_rows, 40);
}

TEST(Generate, MaxTokensZeroComputesNothing) {
  ToyModel model;
  std::vector<Turn> turns;
  turns.emplace_back(Ids{1}, greedy, StopRule{.max_tokens = 0});
  generate(model, turns, {}, {});
  generate(model, {}, {}, {});
  EXPECT_EQ(model.opened, 0);
  turns.emplace_back(Ids{1}, greedy, StopRule{.max_tokens = 1});
  generate(model, turns, {}, {});
  EXPECT_EQ(turns[1].generated().size(), 1U);
  EXPECT_EQ(model.forwards, 1);
}

TEST(Generate, TheContextLimitEndsATurnWithLength) {
  for (const std::size_t prompt : {1U, 7U, 8U}) {
    ToyModel model(50, 8);  // the toy throws if more is appended
    std::vector<Turn> turns;
    turns.emplace_back(prompt_of(prompt, 1), greedy, StopRule{});
    generate(model, turns, {}, {});
    EXPECT_EQ(turns[0].finish_reason(), FinishReason::length);
    EXPECT_EQ(turns[0].history().size(), 9U);  // 8 in the model and the last one, never appended
  }
  ToyModel model(50, 8);  // a turn that ends exactly there for its own reason
  std::vector<Turn> turns;
  turns.emplace_back(prompt_of(6, 1), greedy, StopRule{.max_tokens = 3});
  generate(model, turns, {}, {});
  EXPECT_EQ(turns[0].generated().size(), 3U);
  EXPECT_EQ(turns[0].finish_reason(), FinishReason::length);
}

TEST(Generate, TurnsAreCheckedBeforeAnythingIsComputed) {
  const auto expect_refusal = [](Turn bad, ErrorKind kind, const char* words) {
    ToyModel model(50, 8);
    std::vector<Turn> turns;
    turns.emplace_back(Ids{1}, greedy, StopRule{.max_tokens = 2});
    turns.push_back(std::move(bad));
    EXPECT_REFUSED(generate(model, turns, {}, {}), kind, words);
    EXPECT_EQ(model.opened, 0);
  };
  expect_refusal(Turn(prompt_of(9, 1), greedy, {}), ErrorKind::limit, "9 tokens, but the context limit is 8");
  expect_refusal(Turn({50}, greedy, {}), ErrorKind::bad_input, "token 50");
  expect_refusal(Turn({1}, {.min_p = 2}, {}), ErrorKind::usage, "min_p");
  ToyModel model;
  EXPECT_REFUSED(generate(model, {}, {.prefill_chunk = 0}, {}), ErrorKind::usage, "prefill_chunk");
  EXPECT_REFUSED(generate(model, {}, {.rows_per_forward = 0}, {}), ErrorKind::usage, "rows_per_forward");
  EXPECT_REFUSED(generate(model, {}, {.turns_at_once = -1}, {}), ErrorKind::usage, "turns_at_once");
}

TEST(Generate, TheCallbackStopsItsTurnOnly) {
  ToyModel model;
  std::vector<Turn> turns;
  for (std::uint64_t i = 0; i < 3; ++i)
    turns.emplace_back(prompt_of(4, i), greedy, StopRule{.max_tokens = 5});
  generate(model, turns, {}, [&](std::size_t turn, const Choice&) {
    const auto wanted = turn == 1 ? 2 : turn == 2 ? 5 : 100;
    return std::ssize(turns[turn].generated()) == wanted ? Verdict::stop : Verdict::go_on;
  });
  EXPECT_EQ(turns[0].generated().size(), 5U);
  EXPECT_EQ(turns[0].finish_reason(), FinishReason::length);
  EXPECT_EQ(turns[1].generated().size(), 2U);
  EXPECT_EQ(turns[1].finish_reason(), FinishReason::stop);
  EXPECT_EQ(turns[2].finish_reason(), FinishReason::stop);  // found in the last allowed token
}

TEST(Generate, CancellingEndsAllTurnsBetweenForwards) {
  ToyModel model;
  std::vector<Turn> turns;
  for (std::uint64_t i = 0; i < 3; ++i)
    turns.emplace_back(prompt_of(4, i), greedy, StopRule{.max_tokens = 50});
  std::stop_source source;
  generate(model, turns, {.turns_at_once = 2, .cancel = source.get_token()},
           [&](std::size_t turn, const Choice&) {
             if (turn == 0 && turns[0].generated().size() == 3) source.request_stop();
             return Verdict::go_on;
           });
  EXPECT_EQ(model.forwards, 3);
  EXPECT_EQ(model.open_now(), 0);
  for (const Turn& turn : turns) EXPECT_EQ(turn.finish_reason(), FinishReason::cancelled);
  EXPECT_EQ(turns[1].generated().size(), 3U);
  EXPECT_TRUE(turns[2].generated().empty());
}

TEST(Generate, AnErrorLeavesNoSequenceAndTheTurnsCanGoOn) {
  ToyModel model, whole_model;
  std::vector<Turn> turns = many_turns(), whole = many_turns();
  generate(whole_model, whole, {}, {});
  model.fail_at = 9;
  EXPECT_REFUSED(generate(model, turns, {.prefill_chunk = 4}, {}), ErrorKind::io, "told to fail");
  EXPECT_EQ(model.open_now(), 0);
  EXPECT_THROW(generate(model, turns, {},
                        [](std::size_t, const Choice&) -> Verdict { throw std::runtime_error("x"); }),
               std::runtime_error);
  EXPECT_EQ(model.open_now(), 0);
  generate(model, turns, {}, {});  // history is all there is: interrupted = never interrupted
  for (std::size_t i = 0; i < turns.size(); ++i) {
    EXPECT_EQ(list(turns[i].generated()), list(whole[i].generated()));
    EXPECT_EQ(turns[i].finish_reason(), whole[i].finish_reason());
  }
}

/// A model that returns fewer rows than were asked for.
class Forgetful : public ToyModel {
 public:
  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    ToyModel::forward(batch);
    return {};
  }
};

TEST(Generate, AModelThatBreaksTheContractIsAnErrorNotACrash) {
  Forgetful model;
  std::vector<Turn> turns;
  turns.emplace_back(Ids{1}, greedy, StopRule{});
  EXPECT_REFUSED(generate(model, turns, {}, {}), ErrorKind::internal, "0 rows of logits, expected 1");
  EXPECT_EQ(model.open_now(), 0);
}

}  // namespace
}  // namespace nestor::decode
