#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "eval/prompt.h"
#include "eval/tasks.h"

namespace nestor::eval {
namespace {

// lm-evaluation-harness' rule: white space at the end of the context belongs to the continuation, and the
// tokens of the whole are divided after as many as the context alone has.
struct Division {
  std::vector<TokenId> context, continuation;
};

Division divide(const tokenizer::Tokenizer& tokenizer, std::string question, std::string continuation) {
  const std::size_t text_end = question.find_last_not_of(" \t\n\r\f\v") + 1;
  continuation.insert(0, question, text_end);
  question.resize(text_end);
  const std::vector<TokenId> whole = encode_text(tokenizer, question + continuation);
  const std::size_t at = std::min(encode_text(tokenizer, question).size(), whole.size());
  const auto middle = whole.begin() + static_cast<std::ptrdiff_t>(at);
  return {{whole.begin(), middle}, {middle, whole.end()}};
}

std::int64_t characters(std::string_view utf8) {
  return std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

// One query for each choice: contexts can differ in tokens, because a choice is tokenized with its question.
class Queries {
 public:
  Queries(const lm::Info& info, const tokenizer::Tokenizer& tokenizer) : info_(info), tokenizer_(tokenizer) {}

  void add(const MultipleChoice& task) {
    bool shortened = false;
    for (const std::string& choice : task.choices) {
      Division parts = divide(tokenizer_, task.question, " " + choice);
      if (parts.continuation.empty()) {
        fail(ErrorKind::bad_input, "the choice {} adds no token to its question", in_quotes(choice));
      }
      if (parts.context.empty()) parts.context = {first_token(info_)};
      const auto room = info_.context_limit + 1 - std::ssize(parts.continuation);
      if (room < 1) {
        fail(ErrorKind::limit, "the choice {} has {} tokens, but the context limit is {}", in_quotes(choice),
             parts.continuation.size(), info_.context_limit);
      }
      shortened |= keep_last(parts.context, room);
      queries_.push_back({std::move(parts.context), {std::move(parts.continuation)}});
    }
    if (shortened) ++shortened_;
  }

  const std::vector<Query>& queries() const { return queries_; }
  std::int64_t shortened() const { return shortened_; }

 private:
  const lm::Info& info_;
  const tokenizer::Tokenizer& tokenizer_;
  std::vector<Query> queries_;
  std::int64_t shortened_ = 0;
};

}  // namespace

double Accuracy::standard_error() const {
  if (total < 2) return 0;
  return std::sqrt(value() * (1 - value()) / static_cast<double>(total - 1));
}

MultipleChoiceResult multiple_choice(lm::LanguageModel& model, const tokenizer::Tokenizer& tokenizer,
                                     std::span<const MultipleChoice> tasks, const ScoreOptions& options,
                                     ProgressSink& progress) {
  Queries queries(model.info(), tokenizer);
  for (const MultipleChoice& task : tasks) queries.add(task);
  std::vector<double> likelihoods(queries.queries().size());
  std::uint64_t done = 0;
  score(model, queries.queries(), options, [&](std::size_t q, std::span<const Score> scores) {
    likelihoods[q] = scores[0].log_likelihood;
    progress.advance("choices", ++done, likelihoods.size());
  });
  MultipleChoiceResult result;
  result.shortened = queries.shortened();
  std::span<const double> rest = likelihoods;
  for (const MultipleChoice& task : tasks) {
    const auto mine = rest.first(task.choices.size());
    rest = rest.subspan(mine.size());
    std::vector<double> per_character;
    for (std::size_t c = 0; c < mine.size(); ++c) {
      // An empty choice has no length to divide by; the harness would divide by zero.
      per_character.push_back(mine[c] /
                              static_cast<double>(std::max<std::int64_t>(characters(task.choices[c]), 1)));
    }
    const auto best = [](std::span<const double> values) {
      return static_cast<std::size_t>(std::ranges::max_element(values) - values.begin());
    };
    result.acc.right += best(mine) == task.answer ? 1 : 0;
    result.acc_norm.right += best(per_character) == task.answer ? 1 : 0;
  }
  result.acc.total = result.acc_norm.total = std::ssize(tasks);
  return result;
}

}  // namespace nestor::eval
