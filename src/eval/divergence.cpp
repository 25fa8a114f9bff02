#include "eval/divergence.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "corpus/windows.h"
#include "decode/batch.h"
#include "decode/logprobs.h"
#include "lm/finite_logits.h"
#include "lm/sequence.h"

namespace nestor::eval {
namespace {

void check(const lm::Info& model, const lm::Info& source, const Windows& w, std::size_t tokens) {
  if (model.vocab_size != source.vocab_size) {
    fail(ErrorKind::bad_input, "the model has a vocabulary of {}, what it is held against one of {}",
         model.vocab_size, source.vocab_size);
  }
  const std::int64_t limit = std::min(model.context_limit, source.context_limit);
  if (w.window < 1 || w.window > limit) {
    fail(ErrorKind::usage, "a window must hold 1 to {} tokens (the context of both models), found {}", limit,
         w.window);
  }
  if (tokens < 2) {
    fail(ErrorKind::bad_input, "a text of {} tokens has nothing to predict, expected at least 2", tokens);
  }
}

std::ptrdiff_t most_likely(std::span<const float> logits) {
  return std::ranges::max_element(logits) - logits.begin();
}

// Adds one place: `source` and `model` are logits, `next` the token that follows.
void add(Divergence& d, std::span<const float> source, std::span<const float> model, TokenId next) {
  const double source_sum = decode::log_sum_exp(source);
  const double model_sum = decode::log_sum_exp(model);
  const auto at = static_cast<std::size_t>(next);
  d.source_nll += source_sum - static_cast<double>(source[at]);
  d.model_nll += model_sum - static_cast<double>(model[at]);
  double kl = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const double log_p = static_cast<double>(source[i]) - source_sum;
    kl += std::exp(log_p) * (log_p - (static_cast<double>(model[i]) - model_sum));
  }
  kl = std::max(kl, 0.0);  // rounding can leave a little less than nothing
  d.divergence += kl;
  d.largest = std::max(d.largest, kl);
  d.agreeing += most_likely(source) == most_likely(model) ? 1 : 0;
  ++d.tokens;
}

// One window through both models, a piece at a time.
void add_window(Divergence& d, lm::LanguageModel& model, lm::LanguageModel& source,
                std::span<const TokenId> ids, const corpus::EvalWindow& w, const ScoreOptions& options) {
  const lm::Sequence of_model(model);
  const lm::Sequence of_source(source);
  decode::Batch model_batch(model);
  decode::Batch source_batch(source);
  const std::int64_t row_bytes = model.info().vocab_size * std::int64_t{sizeof(float)};
  const std::int64_t piece =
      std::clamp<std::int64_t>(options.logits_bytes / row_bytes, 1, options.rows_per_forward);
  for (std::int64_t at = 0; at < w.length; at += piece) {
    if (options.cancel.stop_requested()) fail(ErrorKind::cancelled, "interrupted");
    const std::int64_t count = std::min(piece, w.length - at);
    const auto fed = ids.subspan(static_cast<std::size_t>(w.first + at), static_cast<std::size_t>(count));
    const auto rows_of = [&](decode::Batch& batch, const lm::Sequence& sequence) {
      batch.clear();
      batch.add({sequence.id(), fed, count});
      batch.forward();
      lm::check_finite(batch.rows(0));
      return batch.rows(0);
    };
    const lm::Logits expected = rows_of(source_batch, of_source);
    const lm::Logits found = rows_of(model_batch, of_model);
    for (std::int64_t i = 0; i < count; ++i) {
      if (at + i < w.scored_from) continue;
      add(d, expected.row(i), found.row(i), ids[static_cast<std::size_t>(w.first + at + i + 1)]);
    }
  }
}

}  // namespace

double Divergence::perplexity_change() const {
  return std::exp((model_nll - source_nll) / static_cast<double>(tokens)) - 1;
}

Divergence divergence(lm::LanguageModel& model, lm::LanguageModel& source, std::span<const TokenId> ids,
                      const Windows& windows, const ScoreOptions& options, ProgressSink& progress) {
  check(model.info(), source.info(), windows, ids.size());
  for (const TokenId id : ids) {
    if (id < 0 || id >= model.info().vocab_size) {
      fail(ErrorKind::bad_input, "token {} is not in the vocabulary of {}", id, model.info().vocab_size);
    }
  }
  Divergence d;
  std::vector<Divergence> parts;
  for (const auto& w : corpus::eval_windows(std::ssize(ids), windows.window, windows.stride)) {
    Divergence part;
    add_window(part, model, source, ids, w, options);
    d.tokens += part.tokens;
    d.model_nll += part.model_nll;
    d.source_nll += part.source_nll;
    d.divergence += part.divergence;
    d.largest = std::max(d.largest, part.largest);
    d.agreeing += part.agreeing;
    parts.push_back(part);
    progress.advance("divergence", static_cast<std::uint64_t>(d.tokens), ids.size() - 1);
  }
  // Of a ratio estimator: windows are the sampled units, as in perplexity.
  double squares = 0;
  for (const Divergence& part : parts) {
    const double residual = part.divergence - d.mean() * static_cast<double>(part.tokens);
    squares += residual * residual;
  }
  const auto n = static_cast<double>(parts.size());
  if (n > 1) d.standard_error = std::sqrt(squares * n / (n - 1)) / static_cast<double>(d.tokens);
  return d;
}

}  // namespace nestor::eval
