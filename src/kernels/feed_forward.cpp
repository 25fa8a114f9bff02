#include "kernels/feed_forward.h"

namespace nestor::kernels {

void feed_forward(const Context& ctx, const FeedForwardWeights& w, Rows x, std::int64_t rows, Rows y) {
  const Arena::Scope scope(ctx.arena);
  const Rows up = take_rows(ctx.arena, rows, w.up.rows);
  matmul(ctx, x, rows, w.up, up);
  feed_forward(ctx, EmbeddedFeedForwardWeights{w.gate, w.down}, x, up, rows, y);
}

void feed_forward(const Context& ctx, const EmbeddedFeedForwardWeights& w, Rows x, Rows e, std::int64_t rows,
                  Rows y) {
  const Arena::Scope scope(ctx.arena);
  const std::int64_t inner = w.gate.rows;
  const Rows gate = take_rows(ctx.arena, rows, inner);
  matmul(ctx, x, rows, w.gate, gate);
  for_tiles(ctx, rows, 16 * rows * inner, [&](std::int64_t t, int) {
    ctx.ops.swiglu({gate.row(t), e.row(t), gate.row(t)}, 0, inner);
  });
  matmul(ctx, gate, rows, w.down, y);
}

}  // namespace nestor::kernels
