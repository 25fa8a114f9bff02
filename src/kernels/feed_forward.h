// The gated feed-forward product of dense MLPs and experts: down( silu(gate x) * (up x) ), and its
// variant with embedded rows in the place of up x (Eq. 4 and 5 of the paper).
#pragma once

#include "kernels/ops.h"

namespace nestor::kernels {

struct FeedForwardWeights {
  MatrixView gate;  // [I, H]
  MatrixView up;    // [I, H]
  MatrixView down;  // [H, I]
};

/// y [T, H] from x [T, H].
void feed_forward(const Context& ctx, const FeedForwardWeights& w, const Input& x, Rows y);

/// A feed-forward product without an up-projection of its own.
struct EmbeddedFeedForwardWeights {
  MatrixView gate;  // [I, H]
  MatrixView down;  // [H, I]
};

/// y [T, H] = down( silu(gate x) * e ) from x [T, H] and e [T, I].
void feed_forward(const Context& ctx, const EmbeddedFeedForwardWeights& w, const Input& x, Rows e, Rows y);

}  // namespace nestor::kernels
