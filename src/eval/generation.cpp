#include <algorithm>

#include "base/error.h"
#include "eval/prompt.h"
#include "eval/tasks.h"

namespace nestor::eval {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\r\f\v";
  const std::size_t from = text.find_first_not_of(kSpace);
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(kSpace) + 1 - from);
}

std::string_view before_stops(std::string_view text, const std::vector<std::string>& stops) {
  std::size_t end = text.size();
  for (const std::string& stop : stops) end = std::min(end, text.find(stop));
  return text.substr(0, end);
}

class Answers {
 public:
  Answers(const tokenizer::Tokenizer& tokenizer, const GenerationOptions& options,
          std::span<decode::Turn> turns)
      : tokenizer_(tokenizer), options_(options), turns_(turns) {}

  std::string text(std::size_t turn) const { return std::string(before_stops(whole(turn), options_.stops)); }

  bool stopped(std::size_t turn) const {
    const std::string text = whole(turn);
    return before_stops(text, options_.stops).size() < text.size();
  }

 private:
  std::string whole(std::size_t turn) const {
    return tokenizer_.decode(turns_[turn].generated(), tokenizer::ControlText::keep);
  }

  const tokenizer::Tokenizer& tokenizer_;
  const GenerationOptions& options_;
  std::span<decode::Turn> turns_;
};

}  // namespace

GenerationResult generation(lm::LanguageModel& model, const tokenizer::Tokenizer& tokenizer,
                            std::span<const Generation> tasks, const GenerationOptions& options,
                            ProgressSink& progress) {
  GenerationResult result;
  const std::int64_t room = model.info().context_limit - options.max_tokens;
  if (room < 1) {
    fail(ErrorKind::usage, "{} new tokens leave no room for a question in a context of {}",
         options.max_tokens, model.info().context_limit);
  }
  decode::SamplingParams greedy;
  greedy.temperature = 0;
  std::vector<decode::Turn> turns;
  for (const Generation& task : tasks) {
    std::vector<TokenId> prompt = encode_text(tokenizer, task.question);
    if (prompt.empty()) prompt = {first_token(model.info())};
    if (keep_last(prompt, room)) ++result.shortened;
    decode::StopRule rule;
    rule.ids = options.stop_ids;
    rule.max_tokens = options.max_tokens;
    turns.emplace_back(std::move(prompt), greedy, rule);
  }
  const Answers answers(tokenizer, options, turns);
  std::uint64_t tokens = 0;
  const std::uint64_t most = tasks.size() * static_cast<std::uint64_t>(options.max_tokens);
  decode::generate(model, turns, options.decoding, [&](std::size_t turn, const decode::Choice&) {
    progress.advance("answers", ++tokens, most);
    return answers.stopped(turn) ? decode::Verdict::stop : decode::Verdict::go_on;
  });
  if (options.decoding.cancel.stop_requested()) fail(ErrorKind::cancelled, "interrupted");
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    result.texts.push_back(answers.text(i));
    const std::string_view given = trimmed(result.texts.back());
    const bool right =
        std::ranges::any_of(tasks[i].answers, [&](const auto& a) { return trimmed(a) == given; });
    result.exact_match.right += right ? 1 : 0;
  }
  result.exact_match.total = std::ssize(tasks);
  return result;
}

}  // namespace nestor::eval
