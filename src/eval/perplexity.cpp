#include "eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "corpus/windows.h"

namespace nestor::eval {
namespace {

void check(const Windows& w, const lm::Info& info, std::size_t tokens) {
  if (w.window < 1 || w.window > info.context_limit) {
    fail(ErrorKind::usage, "a window must hold 1 to {} tokens (the model's context), found {}",
         info.context_limit, w.window);
  }
  if (tokens < 2) {
    fail(ErrorKind::bad_input, "a text of {} tokens has nothing to predict, expected at least 2", tokens);
  }
}

// Windows as queries: the context ends where an earlier window's scores do.
std::vector<Query> cut(std::span<const TokenId> ids, const Windows& windows) {
  std::vector<Query> queries;
  for (const auto& w : corpus::eval_windows(std::ssize(ids), windows.window, windows.stride)) {
    const auto at = [&](std::int64_t i) { return ids.begin() + w.first + i; };
    queries.push_back({{at(0), at(w.scored_from + 1)}, {{at(w.scored_from + 1), at(w.length + 1)}}});
  }
  return queries;
}

// Of a ratio estimator: windows are the sampled units, their token counts the weights.
double standard_error(const std::vector<double>& sums, const std::vector<std::int64_t>& counts, double mean,
                      std::int64_t tokens) {
  const auto n = static_cast<double>(sums.size());
  if (n < 2) return 0;
  double squares = 0;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double residual = sums[i] - mean * static_cast<double>(counts[i]);
    squares += residual * residual;
  }
  return std::sqrt(squares * n / (n - 1)) / static_cast<double>(tokens);
}

}  // namespace

double Perplexity::perplexity() const { return std::exp(nll_per_token()); }

double Perplexity::bits_per_byte() const {
  return bytes == 0 ? 0 : negative_log_likelihood / std::log(2.0) / static_cast<double>(bytes);
}

Perplexity perplexity(lm::LanguageModel& model, const tokenizer::Tokenizer& tokenizer,
                      std::span<const TokenId> ids, const Windows& windows, const ScoreOptions& options,
                      ProgressSink& progress) {
  check(windows, model.info(), ids.size());
  const std::vector<Query> queries = cut(ids, windows);
  std::vector<double> sums(queries.size());
  std::vector<std::int64_t> counts(queries.size());
  Perplexity result;
  score(model, queries, options, [&](std::size_t q, std::span<const Score> scores) {
    sums[q] = -scores[0].log_likelihood;
    counts[q] = std::ssize(queries[q].continuations[0]);
    result.tokens += counts[q];
    progress.advance("perplexity", static_cast<std::uint64_t>(result.tokens), ids.size() - 1);
  });
  // Summed in the order of the text, whatever order the windows finished in.
  for (const double sum : sums) result.negative_log_likelihood += sum;
  for (const TokenId id : ids.subspan(1)) result.bytes += std::ssize(tokenizer.bytes_of(id));
  result.standard_error = standard_error(sums, counts, result.nll_per_token(), result.tokens);
  return result;
}

}  // namespace nestor::eval
