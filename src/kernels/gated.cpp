#include "kernels/gated.h"

#include <algorithm>
#include <array>

namespace nestor::kernels {
namespace {

// Rows of matrices in one piece of work are a multiple of this: eight bands, a few hundred KB of weights,
// some 15 us of memory.
constexpr std::int64_t kPieceGrain = 128;
static_assert(kPieceGrain % quant::kTileDepth == 0 && kPieceGrain % quant::kBandRows == 0);

// How `rows` of each of some matrices are cut into pieces.
struct Pieces {
  std::int64_t rows, piece, of_each;

  std::int64_t begin(std::int64_t i) const { return i % of_each * piece; }
  std::int64_t end(std::int64_t i) const { return std::min(begin(i) + piece, rows); }
  std::size_t matrix(std::int64_t i) const { return static_cast<std::size_t>(i / of_each); }
};

// As large as leaves every worker several: reading stumbles where a piece begins. `most` is a bound.
Pieces cut(const Context& ctx, std::int64_t matrices, std::int64_t rows, std::int64_t activations,
           std::int64_t most) {
  const std::int64_t pieces = ctx.team.threads() * (activations <= kFewRows ? 8 : 64);
  const std::int64_t even = matrices * rows / pieces;
  const std::int64_t grains = std::max<std::int64_t>(std::min({even, rows, most}) / kPieceGrain, 1);
  const std::int64_t piece = grains * kPieceGrain;
  return {rows, piece, (rows + piece - 1) / piece};
}

// What gate and up of a piece may take together, which the near caches hold beside the weights.
constexpr std::int64_t kScratchFloats = 1 << 14;

// Columns [begin, end) of silu(gate x) * (up x) of one product, in the form that the down-projection takes.
void inner_columns(const Context& ctx, const GatedProduct& p, const Input& inner, Rows scratch,
                   std::int64_t begin, std::int64_t end) {
  // Rows of scratch hold gate and up side by side; columns count from `begin`.
  const std::int64_t width = end - begin;
  const Rows gate = inner.x.data == nullptr ? scratch : Rows{inner.x.data + begin, inner.x.stride};
  const Rows up = p.up != nullptr ? Rows{scratch.data + width, scratch.stride}
                                  : Rows{p.embedded.data + begin, p.embedded.stride};
  multiply_rows(ctx, p.in, *p.gate, {gate.data - begin, gate.stride}, begin, end);
  if (p.up != nullptr) {
    multiply_rows(ctx, p.in, *p.up, {up.data - begin, up.stride}, begin, end);
  }
  for (std::int64_t t = 0; t < p.in.rows; ++t)
    ctx.ops.swiglu({gate.row(t), up.row(t), gate.row(t)}, 0, width);
  fill_forms(ctx, gate, begin, width, inner, 0, p.in.rows);
}

}  // namespace

void gated_products(const Context& ctx, std::span<const GatedProduct> products) {
  if (products.empty()) return;
  const Arena::Scope scope(ctx.arena);
  const std::int64_t width = products[0].gate->rows;
  const std::int64_t hidden = products[0].down->rows;
  std::int64_t cost = 0;
  std::int64_t most_rows = 1;
  const auto inner = ctx.arena.take_span<Input>(std::ssize(products));
  for (std::size_t i = 0; i < products.size(); ++i) {
    const GatedProduct& p = products[i];
    most_rows = std::max(most_rows, p.in.rows);
    cost += p.in.rows * width * p.gate->cols;
    inner[i] = take_input(ctx, p.in.rows, width, forms_of(ctx, std::array{p.down}));
    count_product(ctx, p.in.rows, *p.gate);
    if (p.up != nullptr) count_product(ctx, p.in.rows, *p.up);
    count_product(ctx, p.in.rows, *p.down);
    show_input(ctx, p.in, *p.gate);
    if (p.up != nullptr) show_input(ctx, p.in, *p.up);
  }
  const Pieces in = cut(ctx, std::ssize(products), width, most_rows, kScratchFloats / (2 * most_rows));
  const Rows scratch = take_rows(ctx.arena, ctx.team.threads() * most_rows, 2 * in.piece);
  for_tiles(ctx, std::ssize(products) * in.of_each, 2 * cost, [&](std::int64_t i, int worker) {
    const std::size_t at = in.matrix(i);
    inner_columns(ctx, products[at], inner[at], {scratch.row(worker * most_rows), scratch.stride},
                  in.begin(i), in.end(i));
  });
  for (std::size_t i = 0; i < products.size(); ++i) show_input(ctx, inner[i], *products[i].down);
  const Pieces out = cut(ctx, std::ssize(products), hidden, most_rows, hidden);
  for_tiles(ctx, std::ssize(products) * out.of_each, cost, [&](std::int64_t i, int) {
    const GatedProduct& p = products[out.matrix(i)];
    multiply_rows(ctx, inner[out.matrix(i)], *p.down, p.out, out.begin(i), out.end(i));
  });
}

}  // namespace nestor::kernels
