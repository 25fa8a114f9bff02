#include "kernels/ops.h"

#include <algorithm>

#include "quant/tile.h"

namespace nestor::kernels {
namespace {

// Below this many multiply-adds a call takes some 20-50 us on one core: not worth waking another.
constexpr std::int64_t kWorthSharing = 1 << 20;

// Cuts [0, n) into ranges of a multiple of `grain` for the team: several per worker, so that a slow worker
// takes fewer.
template <typename Body>
void split(const Context& ctx, std::int64_t n, std::int64_t grain, std::int64_t cost, const Body& body) {
  constexpr std::int64_t kTilesPerWorker = 8;
  if (cost < kWorthSharing || ctx.team.threads() == 1) {
    if (n > 0) body(0, n);
    return;
  }
  std::int64_t tile = (n + ctx.team.threads() * kTilesPerWorker - 1) / (ctx.team.threads() * kTilesPerWorker);
  tile = (tile + grain - 1) / grain * grain;
  const std::int64_t tiles = tile == 0 ? 0 : (n + tile - 1) / tile;
  ctx.team.run(tiles, [&](std::int64_t i, int) { body(i * tile, std::min(n, (i + 1) * tile)); });
}

EncodedRows encode_rows(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols) {
  const std::int64_t blocks = (cols + quant::kTileDepth - 1) / quant::kTileDepth;
  const std::int64_t code_floats =
      rows * blocks * quant::kTileDepth / static_cast<std::int64_t>(sizeof(float));
  const auto starts = [&] { return reinterpret_cast<std::int32_t*>(ctx.arena.take(rows * blocks)); };
  const EncodedRows to = {reinterpret_cast<std::int8_t*>(ctx.arena.take(code_floats)),
                          ctx.arena.take(rows * blocks),
                          starts(),
                          starts(),
                          rows,
                          blocks};
  const EncodeRowsArgs args{x.data, x.stride, cols, to};
  split(ctx, rows, kRowGroup, 4 * rows * cols,
        [&](std::int64_t begin, std::int64_t end) { ctx.ops.encode_rows(args, begin, end); });
  return to;
}

void matmul_by_codes(const Context& ctx, Rows x, std::int64_t rows, const MatrixView& w, Rows y) {
  const Arena::Scope scope(ctx.arena);
  ctx.work.code_products += rows * w.rows * w.cols;
  const MatmulCodedArgs args{encode_rows(ctx, x, rows, w.cols), w, y.data, y.stride};
  split(ctx, w.rows, quant::kBandRows, rows * w.rows * w.cols,
        [&](std::int64_t begin, std::int64_t end) { ctx.ops.matmul_coded(args, begin, end); });
}

// What a product reads of a matrix.
std::int64_t stored_bytes(const MatrixView& w) {
  return quant::is_tiled(w.format) ? w.rows * w.row_bytes / quant::kBandRows : w.rows * w.row_bytes;
}

}  // namespace

Rows take_rows(Arena& arena, std::int64_t rows, std::int64_t cols) { return {arena.take(rows * cols), cols}; }

void for_tiles(const Context& ctx, std::int64_t tiles, std::int64_t cost,
               const std::function<void(std::int64_t, int)>& body) {
  if (cost >= kWorthSharing) {
    ctx.team.run(tiles, body);
    return;
  }
  for (std::int64_t tile = 0; tile < tiles; ++tile) body(tile, 0);
}

void matmul(const Context& ctx, Rows x, std::int64_t rows, const MatrixView& w, Rows y) {
  ctx.work.weight_bytes += stored_bytes(w);
  if (quant::is_tiled(w.format) && ctx.ops.matmul_coded != nullptr)
    return matmul_by_codes(ctx, x, rows, w, y);
  ctx.work.float_products += rows * w.rows * w.cols;
  const MatmulArgs args{x.data, x.stride, rows, w, y.data, y.stride};
  split(ctx, w.rows, 16, rows * w.rows * w.cols,
        [&](std::int64_t begin, std::int64_t end) { ctx.ops.matmul(args, begin, end); });
}

void rms_norm(const Context& ctx, Rows x, std::int64_t rows, const float* w, std::int64_t cols, float eps,
              float scale, Rows y) {
  const RmsNormArgs args{x.data, x.stride, w, eps, scale, cols, y.data, y.stride};
  split(ctx, rows, 1, 2 * rows * cols,
        [&](std::int64_t begin, std::int64_t end) { ctx.ops.rms_norm(args, begin, end); });
}

void layer_norm(const Context& ctx, Rows x, std::int64_t rows, const LayerNormWeights& w, std::int64_t cols,
                float eps, Rows y) {
  const LayerNormArgs args{x.data, x.stride, w.weight, w.bias, eps, cols, y.data, y.stride};
  split(ctx, rows, 1, 4 * rows * cols,
        [&](std::int64_t begin, std::int64_t end) { ctx.ops.layer_norm(args, begin, end); });
}

void softmax(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols) {
  const SoftmaxArgs args{x.data, x.stride, cols};
  split(ctx, rows, 1, 16 * rows * cols,
        [&](std::int64_t begin, std::int64_t end) { ctx.ops.softmax(args, begin, end); });
}

void add_scaled(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols, float factor, Rows y) {
  split(ctx, rows, 1, rows * cols, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) ctx.ops.add_scaled({x.row(t), factor, y.row(t)}, 0, cols);
  });
}

void widen_row(const Context& ctx, const MatrixView& w, std::int64_t row, float* y) {
  ctx.ops.widen({w, row, y}, 0, w.cols);
}

}  // namespace nestor::kernels
