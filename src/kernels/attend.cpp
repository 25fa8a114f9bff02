#include "kernels/attend.h"

#include <algorithm>

#include "quant/matrix.h"

namespace nestor::kernels {
namespace {

// Heads that share one pass over the records: enough to reuse them from the nearest cache, few enough that
// the scores (heads x positions) stay small and that one row alone gives every worker something to do.
constexpr std::int64_t kHeadsAtOnce = 16;

struct Tile {
  const RecordLayout& layout;
  const AttendRow& row;
  std::int64_t heads;
  const float* q;  // [heads, record]
  float* scores;   // [heads, positions]
  float* out;      // [heads, latent]
};

// The records of one page that the row sees, as a matrix of `columns` leading values.
MatrixView records_in_page(const Tile& tile, std::int64_t page, std::int64_t columns) {
  const RecordLayout& layout = tile.layout;
  const std::int64_t first = page * layout.page_positions;
  MatrixView view = quant::matrix_view(tile.row.pages[page] + layout.module_offset, layout.format,
                                       std::min(layout.page_positions, tile.row.positions - first), columns);
  view.row_bytes = layout.record * quant::element_bytes(layout.format);
  return view;
}

void attend_tile(const OpTable& ops, const Tile& tile) {
  const RecordLayout& layout = tile.layout;
  const std::int64_t positions = tile.row.positions;
  const std::int64_t pages = (positions + layout.page_positions - 1) / layout.page_positions;
  for (std::int64_t page = 0; page < pages; ++page) {
    const MatrixView records = records_in_page(tile, page, layout.record);
    ops.matmul(
        {tile.q, layout.record, tile.heads, records, tile.scores + page * layout.page_positions, positions},
        0, records.rows);
  }
  ops.softmax({tile.scores, positions, positions}, 0, tile.heads);
  std::fill_n(tile.out, tile.heads * layout.latent, 0.0F);
  for (std::int64_t page = 0; page < pages; ++page) {
    const MatrixView latents = records_in_page(tile, page, layout.latent);
    ops.matmul_transposed(
        {tile.scores + page * layout.page_positions, positions, tile.heads, latents, tile.out, layout.latent},
        0, layout.latent);
  }
}

}  // namespace

void attend(const Context& ctx, const RecordLayout& layout, std::span<const AttendRow> rows,
            std::int64_t heads, Rows q, Rows out) {
  const Arena::Scope scope(ctx.arena);
  std::int64_t longest = 0;
  for (const AttendRow& row : rows) longest = std::max(longest, row.positions);
  const std::int64_t groups = (heads + kHeadsAtOnce - 1) / kHeadsAtOnce;
  const Rows scores = take_rows(ctx.arena, ctx.team.threads(), kHeadsAtOnce * longest);
  std::int64_t cost = 0;
  for (const AttendRow& row : rows) cost += row.positions * heads * (layout.record + layout.latent);
  ctx.work.float_products += cost;
  for_tiles(ctx, static_cast<std::int64_t>(rows.size()) * groups, cost, [&](std::int64_t i, int worker) {
    const std::int64_t t = i / groups;
    const std::int64_t head = i % groups * kHeadsAtOnce;
    attend_tile(ctx.ops,
                {layout, rows[static_cast<std::size_t>(t)], std::min(kHeadsAtOnce, heads - head),
                 q.row(t) + head * layout.record, scores.row(worker), out.row(t) + head * layout.latent});
  });
}

}  // namespace nestor::kernels
