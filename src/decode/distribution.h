// The distribution that a token is drawn from.
//
// From the adjusted logits (decode/adjust.h), in this order:
// - temperature: divide by it; 0 = greedy, the lowest id among the maximal logits has probability 1
// - top_k: the k largest
// - top_p: of the rest, renormalised, the shortest list of best tokens whose mass reaches top_p
// - min_p: of the rest, those with at least min_p times the largest probability
// - renormalise
//
// The order of HF's generate(). vLLM applies min_p before top_k and top_p; the two differ only where min_p
// and top_p are both on. Where tokens are equal, lower ids are better: top_k keeps exactly k and top_p the
// shortest list.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "decode/adjust.h"
#include "decode/sampling.h"

namespace nestor::decode {

struct Weighted {
  TokenId id = 0;
  double weight = 0;
};

/// Scratch memory only; every call is a pure function of its arguments. One thread at a time.
class Distribution {
 public:
  /// The tokens that can be drawn, in ascending order, with probabilities that add up to 1. Valid until the
  /// next call. Throws as adjust() does, and Error(internal) if there are no logits, or Error(usage) if
  /// what is forbidden or not allowed left no token.
  std::span<const Weighted> of(std::span<const float> logits, const SamplingParams& params,
                               const Context& context);

 private:
  void keep_top_k(std::int64_t k);
  void keep_top_p(double top_p);
  void keep_up_to(const Weighted& last);

  std::vector<double> adjusted_;
  std::vector<Weighted> kept_;   // always in ascending order of ids, so that results do not depend on how
                                 // the standard library selects
  std::vector<Weighted> order_;  // a copy for selecting in
};

/// Which random numbers a draw uses: one for each token, a pure function of these three and the token.
struct Draw {
  std::uint64_t seed = 0;
  std::uint64_t sequence = 0;  // tells apart sequences with the same seed, e.g. several answers to one prompt
  std::uint64_t position = 0;  // the index that the chosen token will have in its sequence, below 2^32
};

/// A token of the distribution, each with its probability: the argmax of log-probability + Gumbel noise
/// (Gumbel 1954; Maddison et al., "A* sampling", 2014). Two similar distributions mostly draw the same token,
/// which is what lets a cheap one draft for a dear one. Not for an empty distribution.
TokenId draw_from(std::span<const Weighted> distribution, const Draw& draw);

}  // namespace nestor::decode
