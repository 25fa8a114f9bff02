#include "kernels/ops.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/encoded_rows.h"
#include "quant/matrix.h"
#include "quant/tile.h"

namespace nestor::kernels {
namespace {

// Below this many multiply-adds a call takes one or two microseconds on one core: as long as another one,
// awake between the calls of a step, needs to join.
constexpr std::int64_t kWorthSharing = 1 << 16;

// Cuts [0, n) into ranges of a multiple of `grain` for the team: several per worker, so that a slow worker
// takes fewer.
template <typename Body>
void split(const Context& ctx, std::int64_t n, std::int64_t grain, std::int64_t cost, const Body& body) {
  if (cost < kWorthSharing || ctx.team.threads() == 1) {
    if (n > 0) body(0, n);
    return;
  }
  // The more there is to do, the less a tile's beginning weighs against waiting for the last one.
  constexpr std::int64_t kMuch = std::int64_t{1} << 28;
  const std::int64_t most_tiles = ctx.team.threads() * (cost < kMuch ? 8 : 32);
  std::int64_t tile = (n + most_tiles - 1) / most_tiles;
  tile = (tile + grain - 1) / grain * grain;
  const std::int64_t tiles = tile == 0 ? 0 : (n + tile - 1) / tile;
  ctx.team.run(tiles, [&](std::int64_t i, int) { body(i * tile, std::min(n, (i + 1) * tile)); });
}

// Row `from` of one set of codes to row `to` of another.
void copy_codes(const EncodedRows& source, std::int64_t from, const EncodedRows& target, std::int64_t to) {
  for (std::int64_t b = 0; b < target.blocks; ++b) {
    const std::int64_t s = encoded_block(source, from, b);
    const std::int64_t t = encoded_block(target, to, b);
    std::memcpy(target.codes + t * quant::kTileDepth, source.codes + s * quant::kTileDepth,
                quant::kTileDepth);
    target.scales[t] = source.scales[s];
    target.starts_q8[t] = source.starts_q8[s];
    target.starts_q4[t] = source.starts_q4[s];
  }
}

}  // namespace

Rows take_rows(Arena& arena, std::int64_t rows, std::int64_t cols) {
  // Rows whole pages apart would all compete for the same few places of the caches.
  constexpr std::int64_t kPageFloats = 1024, kLineFloats = 16;
  const std::int64_t stride = cols % kPageFloats == 0 ? cols + kLineFloats : cols;
  return {arena.take(rows * stride), stride};
}

void for_tiles(const Context& ctx, std::int64_t tiles, std::int64_t cost, TileBody body) {
  if (cost >= kWorthSharing) {
    ctx.team.run(tiles, body);
    return;
  }
  for (std::int64_t tile = 0; tile < tiles; ++tile) body(tile, 0);
}

bool takes_codes(const Context& ctx, const MatrixView& w) {
  return quant::is_tiled(w.format) && ctx.ops.matmul_coded != nullptr;
}

bool takes_rounded(const Context& ctx, const MatrixView& w) {
  return w.format == Format::bf16 && ctx.ops.matmul_rounded != nullptr;
}

Forms forms_of(const Context& ctx, std::span<const MatrixView* const> matrices) {
  // What the second cache holds meets one row sooner as floats: fifteen sixteenths of a tile register would
  // be idle.
  constexpr std::int64_t kWorthParts = 1 << 20;
  Forms forms;
  std::int64_t numbers = 0;  // of matrices that could take parts
  for (const MatrixView* w : matrices) {
    if (takes_codes(ctx, *w)) {
      forms.codes = true;
    } else if (takes_rounded(ctx, *w)) {
      forms.rounded = true;
    } else if (w->format == Format::bf16 && ctx.ops.matmul_parts != nullptr) {
      numbers += w->rows * w->cols;
    } else {
      forms.floats = true;
    }
  }
  forms.parts = numbers > kWorthParts;
  forms.floats = forms.floats || (numbers > 0 && !forms.parts);
  return forms;
}

EncodedRows take_codes(const Context& ctx, std::int64_t rows, std::int64_t cols) {
  const std::int64_t blocks = (cols + quant::kTileDepth - 1) / quant::kTileDepth;
  const std::int64_t code_floats =
      rows * blocks * quant::kTileDepth / static_cast<std::int64_t>(sizeof(float));
  auto* codes = reinterpret_cast<std::int8_t*>(ctx.arena.take(code_floats));
  const auto whole_numbers = [&] { return reinterpret_cast<std::int32_t*>(ctx.arena.take(rows * blocks)); };
  float* scales = ctx.arena.take(rows * blocks);
  std::int32_t* starts_q8 = whole_numbers();
  return {codes, scales, starts_q8, whole_numbers(), rows, blocks};
}

Input take_forms(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols, Forms forms) {
  Input input{x, rows};
  if (forms.codes) input.codes = take_codes(ctx, rows, cols);
  if (forms.parts) {
    const std::int64_t steps = (cols + kSplitDepth - 1) / kSplitDepth;
    constexpr std::int64_t kReadBeyond = 16;
    const std::int64_t floats = rows * steps * kSplitParts * kSplitDepth / 2 + kReadBeyond;
    input.parts = SplitRows{reinterpret_cast<std::uint16_t*>(ctx.arena.take(floats)), rows, steps};
  }
  if (forms.rounded) {
    const Rows pairs = take_rows(ctx.arena, rows, (cols + 1) / 2);
    input.rounded = RoundedRows{reinterpret_cast<std::uint16_t*>(pairs.data), 2 * pairs.stride};
  }
  return input;
}

void fill_forms(const Context& ctx, Rows x, std::int64_t column, std::int64_t cols, const Input& to,
                std::int64_t begin, std::int64_t end) {
  if (to.codes)
    ctx.ops.encode_rows({x.data, x.stride, cols, *to.codes, column / quant::kTileDepth}, begin, end);
  if (to.parts)
    ctx.ops.split_rows({x.data, x.stride, nullptr, cols, *to.parts, column / kSplitDepth}, begin, end);
  if (to.rounded) ctx.ops.round_rows({x.data, x.stride, nullptr, cols, *to.rounded, column}, begin, end);
}

Input input_of(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols, Forms forms) {
  const Input input = take_forms(ctx, x, rows, cols, forms);
  if (input.has_floats_only()) return input;
  split(ctx, rows, kRowGroup, 4 * rows * cols,
        [&](std::int64_t begin, std::int64_t end) { fill_forms(ctx, x, 0, cols, input, begin, end); });
  return input;
}

Input normed_input(const Context& ctx, Rows x, std::int64_t rows, const RmsNorm& norm, Rows y, Forms forms) {
  const RmsNormArgs args{x.data, x.stride, norm.weight, norm.eps, norm.scale, norm.cols, y.data, y.stride};
  const Input input = take_forms(ctx, y, rows, norm.cols, forms);
  const bool plain = input.has_floats_only();
  split(ctx, rows, plain ? 1 : kRowGroup, (plain ? 2 : 6) * rows * norm.cols,
        [&](std::int64_t begin, std::int64_t end) {
          for (std::int64_t t = begin; t < end; t += kRowGroup) {
            const std::int64_t group_end = std::min(t + kRowGroup, end);
            ctx.ops.rms_norm(args, t, group_end);
            fill_forms(ctx, y, 0, norm.cols, input, t, group_end);
          }
        });
  return input;
}

Input take_input(const Context& ctx, std::int64_t rows, std::int64_t cols, Forms forms) {
  const bool floats = forms.floats || ctx.inputs != nullptr;
  return take_forms(ctx, floats ? take_rows(ctx.arena, rows, cols) : Rows{}, rows, cols, forms);
}

void gather(const Context& ctx, const Input& from, std::span<const std::int32_t> at, std::int64_t cols,
            const Input& to) {
  if (to.parts)
    ctx.ops.split_rows({from.x.data, from.x.stride, at.data(), cols, *to.parts, 0}, 0, std::ssize(at));
  if (to.rounded)
    ctx.ops.round_rows({from.x.data, from.x.stride, at.data(), cols, *to.rounded, 0}, 0, std::ssize(at));
  for (std::int64_t i = 0; i < std::ssize(at); ++i) {
    const std::int64_t row = at[static_cast<std::size_t>(i)];
    if (to.x.data != nullptr) std::copy_n(from.x.row(row), cols, to.x.row(i));
    if (to.codes) copy_codes(from.codes.value(), row, *to.codes, i);
  }
}

void show_input(const Context& ctx, const Input& x, const MatrixView& w) {
  if (ctx.inputs != nullptr && x.x.data != nullptr) ctx.inputs->see(w, x.x, x.rows);
}

void count_product(const Context& ctx, std::int64_t rows, const MatrixView& w) {
  ctx.work.weight_bytes += quant::stored_bytes(w);
  std::int64_t& products = takes_codes(ctx, w)     ? ctx.work.code_products
                           : takes_rounded(ctx, w) ? ctx.work.rounded_products
                                                   : ctx.work.float_products;
  products += rows * w.rows * w.cols;
}

void multiply_rows(const Context& ctx, const Input& x, const MatrixView& w, Rows y, std::int64_t begin,
                   std::int64_t end) {
  const Reading& reading = ctx.streams.of(w.format, x.rows);
  if (takes_codes(ctx, w)) {
    ctx.ops.matmul_coded({x.codes.value(), w, y.data, y.stride, reading}, begin, end);
  } else if (x.parts && w.format == Format::bf16) {
    ctx.ops.matmul_parts({*x.parts, w, y.data, y.stride}, begin, end);
  } else if (takes_rounded(ctx, w)) {
    const RoundedRows& rounded = x.rounded.value();
    ctx.ops.matmul_rounded({rounded.at, rounded.stride, x.rows, w, y.data, y.stride, reading}, begin, end);
  } else {
    ctx.ops.matmul({x.x.data, x.x.stride, x.rows, w, y.data, y.stride, reading}, begin, end);
  }
}

void multiply(const Context& ctx, const Input& x, std::span<const Product> products) {
  std::int64_t bands = 0;
  std::int64_t cost = 0;
  for (const Product& p : products) {
    bands += (p.w->rows + quant::kBandRows - 1) / quant::kBandRows;
    cost += x.rows * p.w->rows * p.w->cols;
    count_product(ctx, x.rows, *p.w);
    show_input(ctx, x, *p.w);
  }
  // The bands of all matrices in a row; a piece may reach over the end of one into the next. Many rows take
  // bands in pairs.
  split(ctx, bands, x.rows > kFewRows ? 2 : 1, cost, [&](std::int64_t begin, std::int64_t end) {
    for (const Product& p : products) {
      const std::int64_t last = std::min(end * quant::kBandRows, p.w->rows);
      if (begin * quant::kBandRows < last) multiply_rows(ctx, x, *p.w, p.y, begin * quant::kBandRows, last);
      const std::int64_t own = (p.w->rows + quant::kBandRows - 1) / quant::kBandRows;
      begin = std::max<std::int64_t>(begin - own, 0);
      end -= own;
      if (end <= 0) return;
    }
  });
}

void matmul(const Context& ctx, Rows x, std::int64_t rows, const MatrixView& w, Rows y) {
  const Arena::Scope scope(ctx.arena);
  const Product product{&w, y};
  multiply(ctx, input_of(ctx, x, rows, w.cols, forms_of(ctx, std::array{&w})), {&product, 1});
}

void rms_norm(const Context& ctx, Rows x, std::int64_t rows, const RmsNorm& norm, Rows y) {
  normed_input(ctx, x, rows, norm, y, {});
}

void layer_norm(const Context& ctx, Rows x, std::int64_t rows, const LayerNormWeights& w, std::int64_t cols,
                float eps, Rows y) {
  const LayerNormArgs args{x.data, x.stride, w.weight, w.bias, eps, cols, y.data, y.stride};
  split(ctx, rows, 1, 4 * rows * cols,
        [&](std::int64_t begin, std::int64_t end) { ctx.ops.layer_norm(args, begin, end); });
}

void softmax(const Context& ctx, Rows x, std::int64_t rows, std::int64_t cols) {
  const SoftmaxArgs args{x.data, x.stride, cols, nullptr, nullptr};
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
