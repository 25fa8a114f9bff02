#include "kernels/attend.h"

#include <algorithm>
#include <cmath>

#include "quant/matrix.h"

namespace nestor::kernels {
namespace {

// Heads that share one pass over the records: their queries stay near, one row alone gives two workers
// something to do.
constexpr std::int64_t kHeadsAtOnce = 16;

// Positions whose records are read once, for scores and for mixing: 590 KB in float32, which the second cache
// holds. Chunks begin at multiples of this, so that a row's result depends on its positions alone.
constexpr std::int64_t kChunk = 256;

// Tasks for each worker between two joins, about: a bound on memory.
constexpr std::int64_t kTasksPerWorker = 32;

// Softmax-weighted latents of some positions for some heads, with what joining two of them takes.
struct Part {
  float* peaks;  // [heads] the largest score
  float* sums;   // [heads] of exp(score - peak)
  float* mixed;  // [heads, R] sum of exp(score - peak) / sum * latent
};

// The heads of one row that are computed together.
struct Unit {
  const RecordLayout& layout;
  const AttendRow& row;
  std::int64_t heads;
  const float* q;  // [heads, record]
};

std::int64_t floats_of_part(const RecordLayout& layout) { return kHeadsAtOnce * (2 + layout.latent); }

Part part_at(float* data) { return {data, data + kHeadsAtOnce, data + 2 * kHeadsAtOnce}; }

// body(records, offset) for the records at positions [first, first + count), page by page, `columns` leading
// values of each.
template <typename Body>
void for_records(const Unit& unit, std::int64_t first, std::int64_t count, std::int64_t columns,
                 const Body& body) {
  const RecordLayout& layout = unit.layout;
  const std::int64_t bytes = layout.record * quant::element_bytes(layout.format);
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t position = first + done;
    const std::int64_t in_page = position % layout.page_positions;
    const std::int64_t here = std::min(layout.page_positions - in_page, count - done);
    const std::uint8_t* page = unit.row.pages[position / layout.page_positions] + layout.module_offset;
    MatrixView records = quant::matrix_view(page + in_page * bytes, layout.format, here, columns);
    records.row_bytes = bytes;
    body(records, done);
    done += here;
  }
}

void attend_chunk(const OpTable& ops, const Unit& unit, std::int64_t chunk, float* scores, const Part& part) {
  const std::int64_t first = chunk * kChunk;
  const std::int64_t count = std::min(kChunk, unit.row.positions - first);
  const std::int64_t latent = unit.layout.latent;
  for_records(unit, first, count, unit.layout.record, [&](const MatrixView& records, std::int64_t at) {
    ops.matmul({unit.q, unit.layout.record, unit.heads, records, scores + at, kChunk}, 0, records.rows);
  });
  ops.softmax({scores, kChunk, count, part.peaks, part.sums}, 0, unit.heads);
  std::fill_n(part.mixed, unit.heads * latent, 0.0F);
  for_records(unit, first, count, latent, [&](const MatrixView& latents, std::int64_t at) {
    ops.matmul_transposed({scores + at, kChunk, unit.heads, latents, part.mixed, latent}, 0, latent);
  });
}

// Joins the positions of `next` to those before. Always in ascending order, one chunk at a time: the same
// bits however chunks are handed out.
void join(const Unit& unit, const Part& next, const Part& whole) {
  const std::int64_t latent = unit.layout.latent;
  for (std::int64_t h = 0; h < unit.heads; ++h) {
    const float peak = std::max(whole.peaks[h], next.peaks[h]);
    const float before = whole.sums[h] * std::exp(whole.peaks[h] - peak);
    const float added = next.sums[h] * std::exp(next.peaks[h] - peak);
    const float sum = before + added;
    const float keep = before / sum;
    const float take = added / sum;
    float* to = whole.mixed + h * latent;
    const float* from = next.mixed + h * latent;
    for (std::int64_t i = 0; i < latent; ++i) to[i] = to[i] * keep + from[i] * take;
    whole.peaks[h] = peak;
    whole.sums[h] = sum;
  }
}

}  // namespace

void attend(const Context& ctx, const RecordLayout& layout, std::span<const AttendRow> rows,
            std::int64_t heads, Rows q, Rows out) {
  if (rows.empty()) return;
  const Arena::Scope scope(ctx.arena);
  std::int64_t longest = 0;
  std::int64_t cost = 0;
  for (const AttendRow& row : rows) {
    longest = std::max(longest, row.positions);
    cost += row.positions * heads * (layout.record + layout.latent);
  }
  ctx.work.float_products += cost;
  const std::int64_t groups = (heads + kHeadsAtOnce - 1) / kHeadsAtOnce;
  const std::int64_t units = std::ssize(rows) * groups;
  const int threads = ctx.team.threads();
  const std::int64_t chunks = (longest + kChunk - 1) / kChunk;
  // Chunks of a row are handed out apart only where there are few rows.
  const std::int64_t apart =
      std::ssize(rows) >= 4 * threads
          ? 1
          : std::clamp<std::int64_t>(kTasksPerWorker * threads / std::max<std::int64_t>(units, 1), 1, chunks);
  const Rows scores = take_rows(ctx.arena, threads, kHeadsAtOnce * kChunk);
  const Rows parts = take_rows(ctx.arena, apart == 1 ? threads : units * apart, floats_of_part(layout));
  const Rows ends = take_rows(ctx.arena, units, 2 * kHeadsAtOnce);  // peaks and sums of what is joined so far

  const auto unit_at = [&](std::int64_t i) {
    const auto t = i / groups;
    const std::int64_t head = i % groups * kHeadsAtOnce;
    return Unit{layout, rows[static_cast<std::size_t>(t)], std::min(kHeadsAtOnce, heads - head),
                q.row(t) + head * layout.record};
  };
  const auto whole_at = [&](std::int64_t i) {
    return Part{ends.row(i), ends.row(i) + kHeadsAtOnce,
                out.row(i / groups) + i % groups * kHeadsAtOnce * layout.latent};
  };
  const auto compute = [&](std::int64_t i, std::int64_t chunk, int worker, float* room) {
    const Unit unit = unit_at(i);
    if (chunk * kChunk >= unit.row.positions) return;
    attend_chunk(ctx.ops, unit, chunk, scores.row(worker), chunk == 0 ? whole_at(i) : part_at(room));
  };
  const auto add = [&](std::int64_t i, std::int64_t chunk, float* room) {
    const Unit unit = unit_at(i);
    if (chunk > 0 && chunk * kChunk < unit.row.positions) join(unit, part_at(room), whole_at(i));
  };

  // All heads of a row come to a chunk before it leaves the second cache.
  if (apart == 1) {
    for_tiles(ctx, std::ssize(rows), cost, [&](std::int64_t t, int worker) {
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        for (std::int64_t i = t * groups; i < (t + 1) * groups; ++i) {
          compute(i, chunk, worker, parts.row(worker));
          add(i, chunk, parts.row(worker));
        }
      }
    });
    return;
  }
  for (std::int64_t first = 0; first < chunks; first += apart) {
    const std::int64_t count = std::min(apart, chunks - first);
    for_tiles(ctx, units * count, cost, [&](std::int64_t task, int worker) {
      const std::int64_t i = task % units;
      compute(i, first + task / units, worker, parts.row(i * apart + task / units));
    });
    for_tiles(ctx, units, units * count * kHeadsAtOnce * layout.latent, [&](std::int64_t i, int) {
      for (std::int64_t c = 0; c < count; ++c) add(i, first + c, parts.row(i * apart + c));
    });
  }
}

}  // namespace nestor::kernels
