// The mixture: every row gets the weighted sum of its experts' outputs; identity experts return their input.
#pragma once

#include <span>

#include "kernels/feed_forward.h"
#include "kernels/route.h"

namespace nestor::kernels {

/// Picks (a row and one of its experts) whose results are kept at once: a bound on memory, far above what one
/// step of decoding has.
constexpr std::int64_t kPicksAtOnce = 2048;

/// `x` has what all gates and ups take. Experts are computed together as long as they have no more than
/// `picks_at_once` picks, or one by one; the result does not depend on that.
/// y [T, H] = sum over the chosen e of weight * FFN_e(x) for e < experts.size(), and of weight * x for the
/// others. Rows are sorted by expert, so that each expert's weights are read once; a row's terms are added in
/// ascending expert id whatever the batch, the identity part last.
void mix_experts(const Context& ctx, std::span<const FeedForwardWeights> experts, const Routing& routing,
                 const Input& x, std::int64_t hidden, Rows y, std::int64_t picks_at_once = kPicksAtOnce);

}  // namespace nestor::kernels
