#include "kernels/feed_forward.h"

namespace nestor::kernels {

void feed_forward(const Context& ctx, const FeedForwardWeights& w, Rows x, std::int64_t rows, Rows y) {
  const Arena::Scope scope(ctx.arena);
  const std::int64_t inner = w.gate.rows;
  const Rows gate = take_rows(ctx.arena, rows, inner);
  const Rows up = take_rows(ctx.arena, rows, inner);
  matmul(ctx, x, rows, w.gate, gate);
  matmul(ctx, x, rows, w.up, up);
  for_tiles(ctx, rows, 16 * rows * inner, [&](std::int64_t t, int) {
    ctx.ops.swiglu({gate.row(t), up.row(t), gate.row(t)}, 0, inner);
  });
  matmul(ctx, gate, rows, w.down, y);
}

}  // namespace nestor::kernels
