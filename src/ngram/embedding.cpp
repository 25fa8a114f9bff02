#include "ngram/embedding.h"

#include <algorithm>
#include <array>

#include "quant/matrix.h"

namespace nestor::ngram {
namespace {

// Rows of the batch that are projected together: their table rows stay in the second cache, and one pass over
// the projections serves them all.
constexpr std::int64_t kRowsAtOnce = 128;

// Rows of one table on their way, in the arena.
class Fetch {
 public:
  Fetch() = default;
  Fetch(const kernels::Context& ctx, const RowStore& store, std::span<const std::int64_t> ids)
      : store_(&store), format_(store.format()), ids_(ids) {
    const std::size_t bytes = ids.size() * static_cast<std::size_t>(store.row_bytes());
    stored_ = ctx.arena.take_span<std::byte>(static_cast<std::int64_t>(bytes));
    waiting_ = ctx.arena.take_span<std::size_t>(std::ssize(ids));
    waiting_ = waiting_.first(store.begin(ids, stored_, waiting_));
  }

  // Until this returns, nothing can be decoded.
  void wait() { store_->finish(ids_, waiting_, stored_); }

  // The values of row t.
  void decode(const kernels::Context& ctx, std::int64_t t, float* out) const {
    if (const auto* record = std::get_if<quant::RecordFormat>(&format_)) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(stored_.data());
      quant::decode_record(*record, bytes + t * record->bytes(), out);
      return;
    }
    const auto format = std::get<quant::Format>(format_);
    kernels::widen_row(ctx, quant::matrix_view(stored_.data(), format, std::ssize(ids_), store_->width()), t,
                       out);
  }

 private:
  const RowStore* store_ = nullptr;
  RowFormat format_;
  std::span<const std::int64_t> ids_;
  std::span<std::byte> stored_;
  std::span<std::size_t> waiting_;
};

// Rows of the batch, and where their embeddings go.
struct Part {
  std::int64_t first, rows;
  kernels::Rows out;
};

// The part's rows of every table, as the projections take them.
std::span<kernels::Input> decoded(const kernels::Context& ctx, std::span<const Table> tables,
                                  std::span<const Fetch> fetches, const Part& part) {
  const auto inputs = ctx.arena.take_span<kernels::Input>(std::ssize(tables));
  const std::int64_t width = tables[0].projection.cols;
  const auto projections = ctx.arena.take_span<const kernels::MatrixView*>(std::ssize(tables));
  std::ranges::transform(tables, projections.begin(), [](const Table& table) { return &table.projection; });
  const kernels::Forms forms = kernels::forms_of(ctx, projections);
  for (kernels::Input& input : inputs)
    input =
        kernels::take_forms(ctx, kernels::take_rows(ctx.arena, part.rows, width), part.rows, width, forms);
  kernels::for_tiles(ctx, std::ssize(tables), 8 * part.rows * width * std::ssize(tables),
                     [&](std::int64_t at, int) {
                       const auto i = static_cast<std::size_t>(at);
                       const kernels::Input& input = inputs[i];
                       for (std::int64_t t = 0; t < part.rows; ++t)
                         fetches[i].decode(ctx, part.first + t, input.x.row(t));
                       kernels::fill_forms(ctx, input.x, 0, width, input, 0, part.rows);
                     });
  for (std::size_t i = 0; i < tables.size(); ++i) kernels::show_input(ctx, inputs[i], tables[i].projection);
  return inputs;
}

// Columns that one worker finishes while they are near: several pieces for each.
std::int64_t columns_at_once(std::int64_t width, int threads) {
  constexpr std::int64_t kGrain = 64, kMost = 512, kPieces = 4;
  const std::int64_t even = (width + kPieces * threads - 1) / (kPieces * threads);
  return std::min((even + kGrain - 1) / kGrain * kGrain, kMost);
}

// out, which holds the words, becomes the mean of them and the projected rows. Tables are added in their
// order.
void project(const kernels::Context& ctx, std::span<const Table> tables,
             std::span<const kernels::Input> inputs, const Part& part) {
  const std::int64_t width = tables[0].projection.rows;
  const std::int64_t columns = columns_at_once(width, ctx.team.threads());
  const kernels::Rows room = kernels::take_rows(ctx.arena, ctx.team.threads() * part.rows, columns);
  const float terms = 1.0F + static_cast<float>(tables.size());
  kernels::for_tiles(
      ctx, (width + columns - 1) / columns, part.rows * width * width, [&](std::int64_t tile, int worker) {
        const std::int64_t begin = tile * columns;
        const std::int64_t count = std::min(columns, width - begin);
        const kernels::Rows projected = {room.row(worker * part.rows), room.stride};
        const kernels::Rows from_begin = {projected.data - begin, projected.stride};
        const auto out = [&](std::int64_t t) { return part.out.row(t) + begin; };
        for (std::size_t i = 0; i < tables.size(); ++i) {
          kernels::multiply_rows(ctx, inputs[i], tables[i].projection, from_begin, begin, begin + count);
          for (std::int64_t t = 0; t < part.rows; ++t)
            ctx.ops.add_scaled({projected.row(t), 1.0F, out(t)}, 0, count);
        }
        for (std::int64_t t = 0; t < part.rows; ++t) {
          for (std::int64_t k = 0; k < count; ++k) out(t)[k] /= terms;
        }
      });
}

}  // namespace

NgramEmbedding::NgramEmbedding(std::unique_ptr<RowStore> words) : words_(std::move(words)) {}

NgramEmbedding::NgramEmbedding(std::unique_ptr<RowStore> words, std::shared_ptr<const hash::NgramHash> hash,
                               std::vector<Table> tables)
    : words_(std::move(words)), hash_(std::move(hash)), tables_(std::move(tables)) {}

RowReads NgramEmbedding::ngram_reads() const {
  RowReads sum;
  for (const Table& table : tables_) sum += table.rows->reads();
  return sum;
}

void NgramEmbedding::embed(const kernels::Context& ctx, Lookup& lookup, kernels::Rows out) const {
  const kernels::Arena::Scope scope(ctx.arena);
  // All tables are asked before any is waited for: the disk serves many reads at once.
  Fetch words(ctx, *words_, lookup.words());
  const auto fetches = ctx.arena.take_span<Fetch>(std::ssize(tables_));
  const std::int64_t count = std::ssize(lookup.words());
  if (!tables_.empty()) {
    const std::span<const std::int64_t> rows = lookup.rows(*hash_);  // [T][tables]
    for (std::size_t table = 0; table < tables_.size(); ++table) {
      const auto ids = ctx.arena.take_span<std::int64_t>(count);
      for (std::size_t t = 0; t < ids.size(); ++t) ids[t] = rows[t * tables_.size() + table];
      fetches[table] = Fetch(ctx, *tables_[table].rows, ids);
    }
  }

  words.wait();
  for (std::int64_t t = 0; t < count; ++t) words.decode(ctx, t, out.row(t));
  if (tables_.empty()) return;
  for (Fetch& fetch : fetches) fetch.wait();
  for (const Table& table : tables_) kernels::count_product(ctx, count, table.projection);
  for (std::int64_t first = 0; first < count; first += kRowsAtOnce) {
    const kernels::Arena::Scope part_scope(ctx.arena);
    const Part part = {first, std::min(kRowsAtOnce, count - first), {out.row(first), out.stride}};
    project(ctx, tables_, decoded(ctx, tables_, fetches, part), part);
  }
}

}  // namespace nestor::ngram
