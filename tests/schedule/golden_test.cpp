// A batch equals each alone, to the bit, on real models: random schedules with few pages, and prefix hits at
// every place where an n-gram could notice.
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <set>
#include <thread>

#include "base/cpu.h"
#include "checkpoint/checkpoint.h"
#include "config/parse_config.h"
#include "kernels/registry.h"
#include "random_schedules.h"
#include "schedule/engine.h"
#include "support/golden.h"

namespace nestor::schedule {
namespace {

class Golden : public ::testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  /// With memory for so many pages; 0 = for all.
  static std::unique_ptr<model::Model> open(std::int64_t pages) {
    const auto& [golden, kernels] = GetParam();
    const auto folder = testing::golden_folder(golden);
    auto model = testing::open_model(folder, kernels, 1);
    if (pages == 0) return model;
    model::ModelOptions options;
    options.ops = &kernels::select_set(kernels, cpu_info());
    options.threads = 1;
    options.cache_bytes = pages * model->memory().page_bytes;
    if (golden == "lite_small") options.draft = model::DraftBlock::ngram_embedding;
    return model::open_model(config::read_config(folder / "config.json"),
                             std::make_shared<const checkpoint::Checkpoint>(folder), options);
  }
};

TEST_P(Golden, EveryRequestIsAnsweredAsAlone) {
  Dice dice(1);
  const auto plain = open(0);
  const auto questions = random_questions(dice, *plain, 8, 100, 16);
  const auto model = open(4);
  std::uint64_t preemptions = 0, hits = 0, drafted = 0;
  const std::uint64_t keys = std::get<1>(GetParam()) == "reference" ? 4 : 16;  // it is ten times as slow
  for (std::uint64_t key = 0; key < keys; ++key) {
    SCOPED_TRACE("key " + std::to_string(key));
    Dice game(key);
    const Snapshot done = play(game, *model, random_options(game, 100), questions, game.roll(4, 10));
    ASSERT_FALSE(HasFailure());
    ASSERT_EQ(model->memory().pages_in_use, 0);
    preemptions += done.preemptions;
    hits += done.prefix_hit_tokens;
    for (const std::uint64_t n :
         done.drafts.kinds[static_cast<std::size_t>(decode::DraftKind::block)].drafted)
      drafted += n;
  }
  EXPECT_EQ(drafted > 0, std::get<0>(GetParam()) == "lite_small");
  EXPECT_GT(preemptions, 0U);
  EXPECT_GT(hits, 50U);
}

/// The full distribution of the next token and some tokens after it.
decode::Turn probe(std::vector<TokenId> prompt, const lm::Info& info) {
  return {std::move(prompt), {.temperature = 0, .top_logprobs = info.vocab_size}, {.max_tokens = 3}};
}

Answer ask(Scheduler& scheduler, decode::Turn turn) {
  const auto reader = std::make_shared<Collector>();
  scheduler.add(std::make_unique<Entry>(RequestId{1}, Request{std::move(turn), 0, reader}));
  while (scheduler.step()) {
  }
  return reader->answer;
}

// N-gram rows of a position depend on the tokens before it back to the last end-of-sequence token. All of
// these are history, so a shared prefix may end anywhere.
TEST_P(Golden, APrefixHitEqualsAFreshStartWhereverItEnds) {
  const auto model = open(0);
  const lm::Info& info = model->info();
  Dice dice(2);
  std::vector<TokenId> stem = dice.tokens(75, info.vocab_size);
  for (const std::size_t at : {0, 5, 6, 15, 17, 63, 66}) stem[at] = dice.pick(info.eos_ids);
  Scheduler with_cache(*model, {}), without(*model, {.parked = 0});
  ask(with_cache, probe(stem, info));
  // Within the length of the longest n-grams of every end of a sequence and of the end of the page.
  std::set<std::size_t> ends;
  for (const std::size_t at : {1, 6, 16, 64}) {
    for (std::size_t end = at > 4 ? at - 4 : 1; end <= at + 5; ++end) ends.insert(end);
  }
  for (const std::size_t end : ends) {
    SCOPED_TRACE(end);
    std::vector<TokenId> prompt(stem.begin(), stem.begin() + static_cast<std::ptrdiff_t>(end));
    // The first token after the shared ones is another one than in the stem, often an end.
    TokenId next = info.eos_ids[0];
    if (stem[end] == next || dice.one_in(2)) next = static_cast<TokenId>((stem[end] + 1) % info.vocab_size);
    prompt.push_back(next);
    const auto more = dice.tokens(dice.roll(0, 6), info.vocab_size);
    prompt.insert(prompt.end(), more.begin(), more.end());

    const Answer hit = ask(with_cache, probe(prompt, info));
    const Answer fresh = ask(without, probe(prompt, info));
    ASSERT_GE(hit.outcome->cached_tokens, static_cast<std::int64_t>(end));
    ASSERT_EQ(fresh.outcome->cached_tokens, 0);
    ASSERT_TRUE(std::ranges::equal(hit.tokens, fresh.tokens, same));
    ASSERT_EQ(hit.tokens.size(), 3U);
  }
}

TEST(GoldenEngine, ItsThreadOwnsAModelWithATeamOfThreads) {
  const auto folder = testing::golden_folder("variant_plne");
  const auto alone = testing::open_model(folder, "auto", 1);
  Dice dice(3);
  const auto questions = random_questions(dice, *alone, 8, 80, 12);
  Engine engine(testing::open_model(folder, "auto", 3),
                {.scheduler = {.rows_per_forward = 60, .running = 4}});
  std::vector<std::thread> clients;
  for (std::uint64_t key = 0; key < 4; ++key) {
    clients.emplace_back([&, key] {
      Dice mine(key);
      for (int i = 0; i < 6; ++i) {
        const Question& question = mine.pick(questions);
        const auto reader = std::make_shared<Collector>();
        std::promise<void> done;
        reader->on_finished = [&] { done.set_value(); };
        engine.submit({{question.turn(), 0, reader}});
        done.get_future().wait();
        EXPECT_TRUE(std::ranges::equal(reader->answer.tokens, question.alone.tokens, same));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(engine.snapshot().failed, 0U);
}

/// Every checkpoint with the fastest kernels and with the reference, which is slow at decoding fp8 weights.
std::vector<std::tuple<std::string, std::string>> models() {
  std::vector<std::tuple<std::string, std::string>> all;
  for (const std::string& name : testing::golden_names()) {
    all.emplace_back(name, "auto");
    if (name != "fp8") all.emplace_back(name, "reference");
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, Golden, ::testing::ValuesIn(models()), [](const auto& test) {
  return std::get<0>(test.param) + "_" + std::get<1>(test.param);
});

}  // namespace
}  // namespace nestor::schedule
