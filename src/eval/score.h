// Log-probabilities of given continuations, many sequences in one forward pass: what perplexity and
// multiple-choice tasks are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/progress.h"
#include "base/token_id.h"
#include "lm/language_model.h"

namespace nestor::eval {

/// A context and what may follow it. Continuations are scored independently of each other.
struct Query {
  std::vector<TokenId> context;                     // at least one token
  std::vector<std::vector<TokenId>> continuations;  // each at least one token
};

/// Of one continuation.
struct Score {
  double log_likelihood = 0;  // natural logarithm, summed over the tokens of the continuation
  bool greedy = true;         // every token was the most likely one (the lowest id among equals)
};

struct ScoreOptions {
  std::int64_t rows_per_forward = 1024;                // tokens of all sequences in one forward()
  std::int64_t logits_bytes = std::int64_t{64} << 20;  // bound on the logits of one forward()
  std::int64_t sequences_at_once = 32;
  std::stop_token cancel = {};  // asked before every forward()
};

/// Called with the index of a query once all its continuations are scored, not necessarily in order.
using OnScored = std::function<void(std::size_t query, std::span<const Score> scores)>;

/// Scores every query. The context is computed once and shared by its continuations (a fork of the sequence);
/// the last token of a continuation is never fed. Results do not depend on how queries share a forward pass,
/// as far as the model keeps its contract. Throws Error(usage) for an empty context or continuation, what
/// forward() throws, and Error(cancelled); no sequence stays open. One thread, which must own the model.
void score(lm::LanguageModel& model, std::span<const Query> queries, const ScoreOptions& options,
           const OnScored& on_scored);

}  // namespace nestor::eval
