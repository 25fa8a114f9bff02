#include "eval/tasks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "decode/logprobs.h"
#include "eval/prompt.h"
#include "story.h"
#include "support/golden.h"
#include "support/refusal.h"
#include "support/silent_progress.h"
#include "support/toy_model.h"

namespace nestor::eval {
namespace {

using testing::ToyModel;

constexpr std::int64_t kTaskVocab = 4096;

double likelihood(std::vector<TokenId> history, std::span<const TokenId> continuation) {
  double sum = 0;
  for (const TokenId id : continuation) {
    const auto row = testing::logits_after(history, kTaskVocab);
    sum += static_cast<double>(row[static_cast<std::size_t>(id)]) - decode::log_sum_exp(row);
    history.push_back(id);
  }
  return sum;
}

// The harness' rules, spelled out: one space before a choice, tokens of the whole divided after the
// question's.
std::size_t best_choice(const MultipleChoice& task, bool per_character) {
  const auto question = encode_text(story_tokenizer(), task.question);
  std::size_t best = 0;
  double best_value = -HUGE_VAL;
  for (std::size_t c = 0; c < task.choices.size(); ++c) {
    const auto whole = encode_text(story_tokenizer(), task.question + " " + task.choices[c]);
    double value = likelihood(question, std::span(whole).subspan(question.size()));
    if (per_character) value /= static_cast<double>(task.choices[c].size());
    if (value > best_value) {
      best_value = value;
      best = c;
    }
  }
  return best;
}

std::vector<MultipleChoice> quiz() {
  return {{"The king said", {"nothing", "that he would go to the castle", "no"}, 0},
          {"Once upon a time", {"there was a girl", "a", "the wolf ate them all"}, 1},
          {"She went", {"home", "away from the old house by the sea"}, 0},
          {"A dog", {"barked", "slept", "ran", "was a good dog"}, 2}};
}

TEST(MultipleChoice, AccuraciesAreTheHarnessDefinitions) {
  const auto tasks = quiz();
  std::int64_t acc = 0, acc_norm = 0;
  bool differ = false;
  for (const auto& task : tasks) {
    acc += best_choice(task, false) == task.answer ? 1 : 0;
    acc_norm += best_choice(task, true) == task.answer ? 1 : 0;
    differ |= best_choice(task, false) != best_choice(task, true);
  }
  ASSERT_TRUE(differ) << "the quiz cannot tell acc from acc_norm";
  ToyModel model(kTaskVocab);
  testing::SilentProgress progress;
  const auto result = multiple_choice(model, story_tokenizer(), tasks, {}, progress);
  EXPECT_EQ(result.acc.right, acc);
  EXPECT_EQ(result.acc_norm.right, acc_norm);
  EXPECT_EQ(result.acc.total, 4);
  EXPECT_EQ(result.shortened, 0);
}

TEST(MultipleChoice, WhiteSpaceAfterTheQuestionBelongsToTheChoice) {
  ToyModel model(kTaskVocab);
  testing::SilentProgress progress;
  std::vector<MultipleChoice> tasks = quiz();
  const auto plain = multiple_choice(model, story_tokenizer(), tasks, {}, progress);
  for (auto& task : tasks) task.question += "\n";
  const auto spaced = multiple_choice(model, story_tokenizer(), tasks, {}, progress);
  EXPECT_EQ(plain.acc.total, spaced.acc.total);  // and no division into an empty continuation
}

TEST(MultipleChoice, LongQuestionsKeepTheirEnd) {
  ToyModel small(kTaskVocab, 24);
  testing::SilentProgress progress;
  std::vector<MultipleChoice> tasks = quiz();
  for (int i = 0; i < 40; ++i) tasks[0].question.insert(0, "over the hills and ");
  EXPECT_EQ(multiple_choice(small, story_tokenizer(), tasks, {}, progress).shortened, 1);
  tasks[0].choices[1] = tasks[0].question;
  EXPECT_REFUSED(multiple_choice(small, story_tokenizer(), tasks, {}, progress), ErrorKind::limit,
                 "context limit");
}

TEST(Accuracy, StandardError) {
  EXPECT_EQ((Accuracy{3, 4}.value()), 0.75);
  EXPECT_DOUBLE_EQ((Accuracy{3, 4}.standard_error()), std::sqrt(0.75 * 0.25 / 3));
  EXPECT_EQ((Accuracy{1, 1}.standard_error()), 0);
}

// The golden continuations are what the model says greedily.
TEST(Generation, ExactMatchOfGreedyText) {
  const auto model = testing::open_model(story_folder(), "auto");
  decode::SamplingParams greedy;
  greedy.temperature = 0;
  decode::StopRule ten;
  ten.max_tokens = 10;
  const std::string question = "Once upon a time there was";
  std::vector<decode::Turn> turns;
  turns.emplace_back(encode_text(story_tokenizer(), question), greedy, ten);
  decode::generate(*model, turns, {}, {});
  const std::string answer = story_tokenizer().decode(turns[0].generated(), tokenizer::ControlText::keep);
  testing::SilentProgress progress;
  GenerationOptions options;
  options.max_tokens = 10;
  options.stops.clear();
  const std::vector<Generation> tasks = {
      {question, {"something else", answer + " \n"}}, {question, {"something else"}}, {"", {"?"}}};
  const auto result = generation(*model, story_tokenizer(), tasks, options, progress);
  EXPECT_EQ(result.exact_match.right, 1);
  EXPECT_EQ(result.exact_match.total, 3);
  EXPECT_EQ(result.texts[0], answer);
  options.stops = {answer.substr(4, 3)};
  const auto stopped = generation(*model, story_tokenizer(), tasks, options, progress);
  EXPECT_EQ(stopped.texts[0], answer.substr(0, answer.find(options.stops[0])));
  options.max_tokens = model->info().context_limit;
  EXPECT_REFUSED(generation(*model, story_tokenizer(), tasks, options, progress), ErrorKind::usage,
                 "no room");
}

}  // namespace
}  // namespace nestor::eval
