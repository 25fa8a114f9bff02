// How far a model is from another one on a text: what quantization costs, token by token.
#pragma once

#include <cstdint>
#include <span>

#include "base/progress.h"
#include "base/token_id.h"
#include "eval/perplexity.h"
#include "eval/score.h"
#include "lm/language_model.h"

namespace nestor::eval {

/// Over the scored tokens of a text, windows as in Perplexity. The divergence of a token is
/// KL(source || model) = sum over the vocabulary of p log(p / q) in nats.
struct Divergence {
  std::int64_t tokens = 0;
  double model_nll = 0;       // nats, summed
  double source_nll = 0;      // nats, summed
  double divergence = 0;      // nats, summed
  double standard_error = 0;  // of the mean divergence, over the windows
  double largest = 0;         // divergence of a token
  std::int64_t agreeing = 0;  // tokens for which both models have the same most likely token

  double mean() const { return divergence / static_cast<double>(tokens); }
  double agreement() const { return static_cast<double>(agreeing) / static_cast<double>(tokens); }
  /// Perplexity of the model over that of the source, minus 1.
  double perplexity_change() const;
};

/// Feeds both models the same windows. Error(usage) for windows that do not fit both, Error(bad_input) for
/// vocabularies of different sizes or a text of fewer than two tokens.
Divergence divergence(lm::LanguageModel& model, lm::LanguageModel& source, std::span<const TokenId> ids,
                      const Windows& windows, const ScoreOptions& options, ProgressSink& progress);

}  // namespace nestor::eval
