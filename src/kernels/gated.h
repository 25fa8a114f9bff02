// Gated products down( silu(gate x) * (up x) ), many at once: those of a layer's experts, or the one of a
// dense MLP. The team passes over all weights twice, however many products there are: gate, up, SwiGLU and
// the codes of the result are one piece of work for some columns, the down-projection is another.
#pragma once

#include <optional>
#include <span>

#include "kernels/ops.h"

namespace nestor::kernels {

struct GatedProduct {
  const MatrixView* gate;  // [I, H]
  const MatrixView* up;    // [I, H]; null if `embedded` stands in its place
  const MatrixView* down;  // [H, I]
  Input in;                // [T, H]
  Rows embedded;           // [T, I], if there is no `up`
  Rows out;                // [T, H]
};

/// `out` of every product. All have the same I and H. Every `in` has what its gate and up take.
void gated_products(const Context& ctx, std::span<const GatedProduct> products);

}  // namespace nestor::kernels
