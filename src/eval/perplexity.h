// How well a model predicts a text: negative log-likelihood per token, perplexity, bits per byte.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/progress.h"
#include "base/token_id.h"
#include "eval/score.h"
#include "lm/language_model.h"
#include "tokenizer/tokenizer.h"

namespace nestor::eval {

/// Window w is fed from token w * stride on, with an empty history, and scored on those of the next tokens
/// that no earlier window has scored: every token of the text but the first once. stride = window: windows
/// side by side, as golden/story measures; a smaller stride gives each scored token at least window - stride
/// tokens of context.
struct Windows {
  std::int64_t window = 512;
  std::int64_t stride = 512;
};

struct Perplexity {
  std::int64_t tokens = 0;             // scored
  std::int64_t bytes = 0;              // of the scored tokens' text
  double negative_log_likelihood = 0;  // nats, summed
  double standard_error = 0;           // of nll_per_token, over the windows

  double nll_per_token() const { return negative_log_likelihood / static_cast<double>(tokens); }
  double perplexity() const;
  double bits_per_byte() const;  // 0 where no byte was scored
};

/// `ids` are the whole text's. Error(usage) for windows that make no sense, or longer than the model's
/// context; Error(bad_input) for a text of fewer than two tokens.
Perplexity perplexity(lm::LanguageModel& model, const tokenizer::Tokenizer& tokenizer,
                      std::span<const TokenId> ids, const Windows& windows, const ScoreOptions& options,
                      ProgressSink& progress);

}  // namespace nestor::eval
