// The gated feed-forward product of dense MLPs and experts: down( silu(gate x) * (up x) ) (spec 3.4).
#pragma once

#include "kernels/ops.h"

namespace nestor::kernels {

struct FeedForwardWeights {
  MatrixView gate;  // [I, H]
  MatrixView up;    // [I, H]
  MatrixView down;  // [H, I]
};

/// y [T, H] from x [T, H].
void feed_forward(const Context& ctx, const FeedForwardWeights& w, Rows x, std::int64_t rows, Rows y);

}  // namespace nestor::kernels
