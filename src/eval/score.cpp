#include "eval/score.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "base/error.h"
#include "decode/batch.h"
#include "decode/logprobs.h"
#include "lm/finite_logits.h"
#include "lm/sequence.h"

namespace nestor::eval {
namespace {

// What is known of one query while its sequences run.
struct Open {
  std::size_t query = 0;
  std::vector<Score> scores;
  std::size_t unfinished = 0;  // continuations
};

// One sequence on its way. First the context of a query, then each continuation in a fork of it.
struct Lane {
  std::shared_ptr<Open> open;
  lm::Sequence sequence;
  std::span<const TokenId> ids;             // to feed
  std::optional<std::size_t> continuation;  // nothing: this is the context
  std::size_t fed = 0;

  std::span<const TokenId> rest() const { return ids.subspan(fed); }
};

void account(Score& score, std::span<const float> logits, double log_sum, TokenId next) {
  if (next < 0 || next >= std::ssize(logits)) {
    fail(ErrorKind::bad_input, "token {} is not in the vocabulary of {}", next, logits.size());
  }
  const float value = logits[static_cast<std::size_t>(next)];
  score.log_likelihood += static_cast<double>(value) - log_sum;
  const auto best = std::ranges::max_element(logits);
  score.greedy = score.greedy && best - logits.begin() == next;
}

class Run {
 public:
  Run(lm::LanguageModel& model, std::span<const Query> queries, const ScoreOptions& options,
      const OnScored& on_scored)
      : model_(model), batch_(model), queries_(queries), options_(options), on_scored_(on_scored) {
    const std::int64_t row_bytes =
        std::max<std::int64_t>(model.info().vocab_size, 1) * std::int64_t{sizeof(float)};
    most_logits_ = std::max<std::int64_t>(options.logits_bytes / row_bytes, 1);
  }

  void execute() {
    while (next_query_ < queries_.size() || !lanes_.empty()) {
      if (options_.cancel.stop_requested()) fail(ErrorKind::cancelled, "interrupted");
      while (next_query_ < queries_.size() && std::ssize(lanes_) < options_.sequences_at_once) begin_query();
      step();
    }
  }

 private:
  void begin_query() {
    const Query& query = queries_[next_query_];
    auto open = std::make_shared<Open>();
    open->query = next_query_++;
    open->scores.resize(query.continuations.size());
    open->unfinished = query.continuations.size();
    if (open->unfinished == 0) return on_scored_(open->query, {});
    lanes_.push_back({std::move(open), lm::Sequence(model_), query.context, std::nullopt});
  }

  // A context needs the logits of its last token only; a continuation those of all tokens that are fed.
  void step() {
    batch_.clear();
    std::int64_t rows = options_.rows_per_forward, logits = most_logits_;
    for (const Lane& lane : lanes_) {
      if (rows == 0 || logits == 0) break;
      const bool is_context = !lane.continuation;
      std::int64_t n = std::min(rows, std::ssize(lane.rest()));
      if (!is_context) n = std::min(n, logits);
      const auto ids = lane.rest().first(static_cast<std::size_t>(n));
      std::int64_t wanted = n;
      if (is_context) wanted = n == std::ssize(lane.rest()) ? 1 : 0;
      batch_.add({lane.sequence.id(), ids, wanted});
      rows -= n;
      logits -= wanted;
    }
    batch_.forward();
    take();
  }

  void take() {
    std::deque<Lane> lanes;  // those that go on, and the forks
    const std::size_t fed = batch_.chunks().size();
    for (std::size_t i = 0; i < fed; ++i) {
      Lane& lane = lanes_[i];
      const std::size_t first = lane.fed;
      lane.fed += batch_.chunks()[i].ids.size();
      const lm::Logits rows = batch_.rows(i);
      lm::check_finite(rows);
      if (lane.continuation) {
        const auto& tokens = continuation_of(lane);
        for (std::int64_t k = 0; k < rows.rows(); ++k) {
          add(lane, *lane.continuation, rows.row(k), tokens[first + static_cast<std::size_t>(k) + 1]);
        }
      } else if (rows.rows() > 0) {
        branch(lane, rows.row(0), lanes);
      }
      const bool done = lane.rest().empty();
      if (done && lane.continuation) finish_one(*lane.open);
      if (!done) lanes.push_back(std::move(lane));
    }
    for (std::size_t i = fed; i < lanes_.size(); ++i) lanes.push_back(std::move(lanes_[i]));
    lanes_.swap(lanes);
  }

  // The context is complete: its last logits give every continuation's first token.
  void branch(const Lane& context, std::span<const float> logits, std::deque<Lane>& lanes) {
    const auto& continuations = queries_[context.open->query].continuations;
    const double log_sum = decode::log_sum_exp(logits);
    for (std::size_t c = 0; c < continuations.size(); ++c) {
      account(context.open->scores[c], logits, log_sum, continuations[c].front());
      const std::span<const TokenId> fed = std::span(continuations[c]).first(continuations[c].size() - 1);
      if (fed.empty()) {
        finish_one(*context.open);
      } else {
        lanes.push_back({context.open, context.sequence.fork(context.sequence.length()), fed, c});
      }
    }
  }

  const std::vector<TokenId>& continuation_of(const Lane& lane) const {
    return queries_[lane.open->query].continuations[*lane.continuation];
  }

  static void add(const Lane& lane, std::size_t continuation, std::span<const float> logits, TokenId next) {
    account(lane.open->scores[continuation], logits, decode::log_sum_exp(logits), next);
  }

  void finish_one(Open& open) {
    if (--open.unfinished == 0) on_scored_(open.query, open.scores);
  }

  lm::LanguageModel& model_;
  decode::Batch batch_;
  std::span<const Query> queries_;
  const ScoreOptions& options_;
  const OnScored& on_scored_;
  std::int64_t most_logits_ = 1;
  std::size_t next_query_ = 0;
  std::deque<Lane> lanes_;
};

void check(std::span<const Query> queries, const ScoreOptions& options) {
  const auto positive = [](const char* name, std::int64_t value) {
    if (value <= 0) fail(ErrorKind::usage, "{} must be positive, found {}", name, value);
  };
  positive("rows_per_forward", options.rows_per_forward);
  positive("logits_bytes", options.logits_bytes);
  positive("sequences_at_once", options.sequences_at_once);
  for (const Query& query : queries) {
    const bool empty = std::ranges::any_of(query.continuations, [](const auto& c) { return c.empty(); });
    if (query.context.empty() || empty) {
      fail(ErrorKind::usage,
           "nothing can be scored without at least one token of context and of continuation");
    }
  }
}

}  // namespace

void score(lm::LanguageModel& model, std::span<const Query> queries, const ScoreOptions& options,
           const OnScored& on_scored) {
  check(queries, options);
  Run(model, queries, options, on_scored).execute();
}

}  // namespace nestor::eval
