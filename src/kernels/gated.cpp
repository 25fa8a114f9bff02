#include "kernels/gated.h"

#include <algorithm>
#include <array>

namespace nestor::kernels {
namespace {

// Rows of a matrix in one piece of work: eight bands, a few hundred KB of weights, some 15 us of memory.
constexpr std::int64_t kPiece = 128;
static_assert(kPiece % quant::kTileDepth == 0 && kPiece % quant::kBandRows == 0);

std::int64_t pieces_of(std::int64_t rows) { return (rows + kPiece - 1) / kPiece; }

// Columns [begin, end) of silu(gate x) * (up x) of one product, in the form that the down-projection takes.
void inner_columns(const Context& ctx, const GatedProduct& p, const Input& inner, Rows scratch,
                   std::int64_t begin, std::int64_t end) {
  // Rows of scratch hold gate and up side by side; columns count from `begin`.
  const std::int64_t width = end - begin;
  const Rows gate = inner.x.data == nullptr ? scratch : Rows{inner.x.data + begin, inner.x.stride};
  Rows up{p.embedded.data + begin, p.embedded.stride};
  multiply_rows(ctx, p.in, *p.gate, {gate.data - begin, gate.stride}, begin, end);
  if (p.up != nullptr) {
    up = {scratch.data + kPiece, scratch.stride};
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
  std::int64_t most_rows = 0;
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
  const Rows scratch = take_rows(ctx.arena, ctx.team.threads() * most_rows, 2 * kPiece);

  const std::int64_t pieces = pieces_of(width);
  const auto count = std::ssize(products);
  for_tiles(ctx, count * pieces, 2 * cost, [&](std::int64_t i, int worker) {
    const auto at = static_cast<std::size_t>(i / pieces);
    const std::int64_t begin = i % pieces * kPiece;
    inner_columns(ctx, products[at], inner[at], {scratch.row(worker * most_rows), scratch.stride}, begin,
                  std::min(begin + kPiece, width));
  });
  for (std::size_t i = 0; i < products.size(); ++i) show_input(ctx, inner[i], *products[i].down);
  const std::int64_t out_pieces = pieces_of(hidden);
  for_tiles(ctx, count * out_pieces, cost, [&](std::int64_t i, int) {
    const auto at = static_cast<std::size_t>(i / out_pieces);
    const std::int64_t begin = i % out_pieces * kPiece;
    const GatedProduct& p = products[at];
    multiply_rows(ctx, inner[at], *p.down, p.out, begin, std::min(begin + kPiece, hidden));
  });
}

}  // namespace nestor::kernels
