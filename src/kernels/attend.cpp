#include "kernels/attend.h"

#include <algorithm>
#include <cmath>

#include "quant/matrix.h"

namespace nestor::kernels {
namespace {

// Queries that share one pass over the records: heads of a few rows of one sequence.
constexpr std::int64_t kQueriesAtOnce = 128;

// Heads of a row that comes alone, where rows are few: it gives two workers something to do.
constexpr std::int64_t kHeadsAtOnce = 16;

// Positions whose records are read once, for scores and for mixing: 590 KB in float32, which the second cache
// holds. Chunks begin at multiples of this, so that a row's result depends on its positions alone.
constexpr std::int64_t kChunk = 256;

// Tasks for each worker between two joins, about: a bound on memory.
constexpr std::int64_t kTasksPerWorker = 32;

// Softmax-weighted latents of some positions for some queries, with what joining two of them takes.
struct Part {
  float* peaks;  // [queries] the largest score
  float* sums;   // [queries] of exp(score - peak)
  Rows mixed;    // [queries, R] sum of exp(score - peak) / sum * latent
};

// Queries that are computed together: all heads of rows [row, row + rows), or some of one row.
struct Unit {
  std::int64_t row, rows;
  std::int64_t first;  // query
  std::int64_t heads;  // of each row

  std::int64_t queries() const { return rows * heads; }
};

// What one call works on.
struct Task {
  const Context& ctx;
  const RecordLayout& layout;
  std::span<const AttendRow> rows;
  std::int64_t heads;
  Rows q;
  bool codes;
};

std::span<const Unit> units_of(Arena& arena, std::span<const AttendRow> rows, std::int64_t heads,
                               int threads) {
  const std::int64_t most = std::max<std::int64_t>(kQueriesAtOnce / heads, 1);
  const std::int64_t of_one_row = std::ssize(rows) < 2 * threads ? std::min(kHeadsAtOnce, heads) : heads;
  const auto units = arena.take_span<Unit>(std::ssize(rows) * ((heads + of_one_row - 1) / of_one_row));
  std::size_t count = 0;
  for (std::int64_t row = 0; row < std::ssize(rows);) {
    const auto pages = [&](std::int64_t t) { return rows[static_cast<std::size_t>(t)].pages; };
    std::int64_t end = row + 1;
    while (end < std::ssize(rows) && end - row < most && pages(end) == pages(row)) ++end;
    if (end - row > 1) {
      units[count++] = {row, end - row, row * heads, heads};
    } else {
      for (std::int64_t head = 0; head < heads; head += of_one_row)
        units[count++] = {row, 1, row * heads + head, std::min(of_one_row, heads - head)};
    }
    row = end;
  }
  return units.first(count);
}

std::int64_t positions_of(const Task& task, const Unit& unit) {
  std::int64_t most = 0;
  for (const AttendRow& row :
       task.rows.subspan(static_cast<std::size_t>(unit.row), static_cast<std::size_t>(unit.rows)))
    most = std::max(most, row.positions);
  return most;
}

// body(records, offset) for the records at positions [first, first + count), page by page, `columns` leading
// values of each.
template <typename Body>
void for_records(const Task& task, const Unit& unit, std::int64_t first, std::int64_t count,
                 std::int64_t columns, const Body& body) {
  const RecordLayout& layout = task.layout;
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t position = first + done;
    const std::int64_t in_page = position % layout.page_positions;
    const std::int64_t here = std::min(layout.page_positions - in_page, count - done);
    const std::uint8_t* page =
        task.rows[static_cast<std::size_t>(unit.row)].pages[position / layout.page_positions];
    MatrixView records = quant::row_slice(records_of(layout, page), in_page, here);
    records.cols = columns;
    body(records, done);
    done += here;
  }
}

// Scores [queries, kChunk] to probabilities inside the chunk; rows see different numbers of positions.
void soften(const Task& task, const Unit& unit, std::int64_t first, std::int64_t count, float* scores,
            const Part& part) {
  for (std::int64_t r = 0; r < unit.rows; ++r) {
    const std::int64_t left = task.rows[static_cast<std::size_t>(unit.row + r)].positions - first;
    const std::int64_t own = std::clamp<std::int64_t>(left, 0, count);
    float* x = scores + r * unit.heads * kChunk;
    if (own > 0)
      task.ctx.ops.softmax({x, kChunk, own, part.peaks + r * unit.heads, part.sums + r * unit.heads}, 0,
                           unit.heads);
    for (std::int64_t h = 0; h < unit.heads && own < count; ++h)
      std::fill_n(x + h * kChunk + own, count - own, 0.0F);
  }
}

void attend_chunk(const Task& task, const Unit& unit, const EncodedRows& codes, std::int64_t chunk,
                  float* scores, const Part& part) {
  const OpTable& ops = task.ctx.ops;
  const std::int64_t first = chunk * kChunk;
  const std::int64_t count = std::min(kChunk, positions_of(task, unit) - first);
  const std::int64_t latent = task.layout.latent;
  for_records(task, unit, first, count, task.layout.record, [&](const MatrixView& records, std::int64_t at) {
    if (task.codes) {
      ops.matmul_coded({codes, records, scores + at, kChunk}, 0, records.rows);
    } else {
      ops.matmul({task.q.row(unit.first), task.q.stride, unit.queries(), records, scores + at, kChunk}, 0,
                 records.rows);
    }
  });
  soften(task, unit, first, count, scores, part);
  MatrixView latents[kChunk];  // of each page, which holds at least one position
  std::int64_t pages = 0;
  for_records(task, unit, first, count, latent,
              [&](const MatrixView& of_page, std::int64_t) { latents[pages++] = of_page; });
  ops.matmul_transposed(
      {scores, kChunk, unit.queries(), latents, pages, part.mixed.data, part.mixed.stride, Sums::fresh}, 0,
      latent);
}

// Joins the positions of a chunk to those before, for the rows that see any of them. Always in ascending
// order, one chunk at a time: the same bits however chunks are handed out.
void join(const Task& task, const Unit& unit, std::int64_t chunk, const Part& next, const Part& whole) {
  for (std::int64_t i = 0; i < unit.queries(); ++i) {
    const AttendRow& row = task.rows[static_cast<std::size_t>(unit.row + i / unit.heads)];
    if (row.positions <= chunk * kChunk) continue;
    const float peak = std::max(whole.peaks[i], next.peaks[i]);
    const float before = whole.sums[i] * std::exp(whole.peaks[i] - peak);
    const float added = next.sums[i] * std::exp(next.peaks[i] - peak);
    const float sum = before + added;
    task.ctx.ops.add_scaled({next.mixed.row(i), added / sum, whole.mixed.row(i), before / sum}, 0,
                            task.layout.latent);
    whole.peaks[i] = peak;
    whole.sums[i] = sum;
  }
}

// Room for the queries of each unit as codes, kQueriesAtOnce after kQueriesAtOnce, and what is in it.
class EncodedQueries {
 public:
  EncodedQueries(const Task& task, std::span<const Unit> units) {
    if (!task.codes) return;
    most_ = std::max(kQueriesAtOnce, task.heads);
    room_ = take_codes(task.ctx, std::ssize(units) * most_, task.layout.record);
    const std::int64_t cost = std::ssize(task.rows) * task.heads * task.layout.record;
    for_tiles(task.ctx, std::ssize(units), 4 * cost, [&](std::int64_t i, int) {
      const Unit& unit = units[static_cast<std::size_t>(i)];
      task.ctx.ops.encode_rows({task.q.row(unit.first), task.q.stride, task.layout.record, of(i, unit), 0}, 0,
                               unit.queries());
    });
  }

  EncodedRows of(std::int64_t i, const Unit& unit) const {
    EncodedRows codes = room_;
    const std::int64_t at = i * most_ * codes.blocks;
    codes.codes += at * quant::kTileDepth;
    codes.scales += at;
    codes.starts_q8 += at;
    codes.starts_q4 += at;
    codes.rows = unit.queries();
    return codes;
  }

 private:
  EncodedRows room_{};
  std::int64_t most_ = 0;
};

}  // namespace

std::int64_t module_bytes(const RecordLayout& layout) {
  return quant::stored_bytes(records_of(layout, nullptr));
}

MatrixView records_of(const RecordLayout& layout, const std::uint8_t* page) {
  const std::uint8_t* data = page == nullptr ? nullptr : page + layout.module_offset;
  return quant::matrix_view(data, layout.format, layout.page_positions, layout.record);
}

void attend(const Context& ctx, const RecordLayout& layout, std::span<const AttendRow> rows,
            std::int64_t heads, Rows q, Rows out) {
  if (rows.empty()) return;
  const Arena::Scope scope(ctx.arena);
  const Task task{ctx, layout, rows, heads, q, takes_codes(ctx, records_of(layout, nullptr))};
  std::int64_t longest = 0;
  std::int64_t cost = 0;
  for (const AttendRow& row : rows) {
    longest = std::max(longest, row.positions);
    cost += row.positions * heads * (layout.record + layout.latent);
  }
  (task.codes ? ctx.work.code_products : ctx.work.float_products) += cost;
  const std::span<const Unit> units = units_of(ctx.arena, rows, heads, ctx.team.threads());
  const auto count = std::ssize(units);
  const int threads = ctx.team.threads();
  const std::int64_t chunks = (longest + kChunk - 1) / kChunk;
  // Chunks of a unit are handed out apart only where there are few.
  const bool enough = threads == 1 || count >= 4 * threads;
  const std::int64_t apart =
      enough ? 1 : std::clamp<std::int64_t>(kTasksPerWorker * threads / count, 1, chunks);
  const std::int64_t most = std::max(kQueriesAtOnce, heads);
  const EncodedQueries codes(task, units);
  const Rows scores = take_rows(ctx.arena, threads, most * kChunk);
  const Rows parts = take_rows(ctx.arena, apart == 1 ? threads : count * apart, most * (2 + layout.latent));
  const Rows ends =
      take_rows(ctx.arena, 2, std::ssize(rows) * heads);  // peaks and sums of what is joined so far

  const auto unit_at = [&](std::int64_t i) -> const Unit& { return units[static_cast<std::size_t>(i)]; };
  const auto whole_at = [&](const Unit& unit) {
    return Part{ends.row(0) + unit.first, ends.row(1) + unit.first, {out.row(unit.first), out.stride}};
  };
  const auto part_at = [&](float* room) { return Part{room, room + most, {room + 2 * most, layout.latent}}; };
  const auto compute = [&](std::int64_t i, std::int64_t chunk, int worker, float* room) {
    const Unit& unit = unit_at(i);
    if (chunk * kChunk >= positions_of(task, unit)) return;
    attend_chunk(task, unit, codes.of(i, unit), chunk, scores.row(worker),
                 chunk == 0 ? whole_at(unit) : part_at(room));
  };
  const auto add = [&](std::int64_t i, std::int64_t chunk, float* room) {
    if (chunk > 0) join(task, unit_at(i), chunk, part_at(room), whole_at(unit_at(i)));
  };

  if (apart == 1) {
    for_tiles(ctx, count, cost, [&](std::int64_t i, int worker) {
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        compute(i, chunk, worker, parts.row(worker));
        add(i, chunk, parts.row(worker));
      }
    });
    return;
  }
  for (std::int64_t first = 0; first < chunks; first += apart) {
    const std::int64_t here = std::min(apart, chunks - first);
    for_tiles(ctx, count * here, cost, [&](std::int64_t at, int worker) {
      const std::int64_t i = at % count;
      compute(i, first + at / count, worker, parts.row(i * apart + at / count));
    });
    for_tiles(ctx, count, count * here * most * layout.latent, [&](std::int64_t i, int) {
      for (std::int64_t c = 0; c < here; ++c) add(i, first + c, parts.row(i * apart + c));
    });
  }
}

}  // namespace nestor::kernels
