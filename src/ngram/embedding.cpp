#include "ngram/embedding.h"

#include "quant/matrix.h"

namespace nestor::ngram {
namespace {

// Rows of one table on their way.
class Fetch {
 public:
  Fetch(const kernels::Context& ctx, const RowStore& store, std::vector<std::int64_t> ids)
      : store_(store), ids_(std::move(ids)) {
    const std::size_t bytes = ids_.size() * static_cast<std::size_t>(store.row_bytes());
    const auto floats = static_cast<std::int64_t>((bytes + sizeof(float) - 1) / sizeof(float));
    stored_ = std::as_writable_bytes(std::span(ctx.arena.take(floats), static_cast<std::size_t>(floats)))
                  .first(bytes);
    waiting_ = store.begin(ids_, stored_);
  }

  // Waits for them and writes their values.
  void finish(const kernels::Context& ctx, kernels::Rows out) {
    store_.finish(ids_, waiting_, stored_);
    const RowFormat format = store_.format();
    const auto count = static_cast<std::int64_t>(ids_.size());
    if (const auto* record = std::get_if<quant::RecordFormat>(&format)) {
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(stored_.data());
      for (std::int64_t t = 0; t < count; ++t)
        quant::decode_record(*record, bytes + t * record->bytes(), out.row(t));
      return;
    }
    const auto view =
        quant::matrix_view(stored_.data(), std::get<quant::Format>(format), count, store_.width());
    for (std::int64_t t = 0; t < count; ++t) kernels::widen_row(ctx, view, t, out.row(t));
  }

  const RowStore& store() const { return store_; }
  std::int64_t count() const { return static_cast<std::int64_t>(ids_.size()); }

 private:
  const RowStore& store_;
  std::vector<std::int64_t> ids_;
  std::span<std::byte> stored_;
  std::vector<std::size_t> waiting_;
};

// out += the rows that come, projected.
void add_table(const kernels::Context& ctx, Fetch& fetch, const kernels::MatrixView& projection,
               kernels::Rows out) {
  const kernels::Arena::Scope scope(ctx.arena);
  const kernels::Rows rows = kernels::take_rows(ctx.arena, fetch.count(), fetch.store().width());
  fetch.finish(ctx, rows);
  const kernels::Rows projected = kernels::take_rows(ctx.arena, fetch.count(), projection.rows);
  kernels::matmul(ctx, rows, fetch.count(), projection, projected);
  kernels::add_scaled(ctx, projected, fetch.count(), projection.rows, 1.0F, out);
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
  Fetch words(ctx, *words_, {lookup.words().begin(), lookup.words().end()});
  std::vector<Fetch> fetches;
  fetches.reserve(tables_.size());
  const std::int64_t count = words.count();
  if (!tables_.empty()) {
    const std::span<const std::int64_t> rows = lookup.rows(*hash_);  // [T][tables]
    for (std::size_t table = 0; table < tables_.size(); ++table) {
      std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
      for (std::size_t t = 0; t < ids.size(); ++t) ids[t] = rows[t * tables_.size() + table];
      fetches.emplace_back(ctx, *tables_[table].rows, std::move(ids));
    }
  }

  words.finish(ctx, out);
  for (std::size_t table = 0; table < tables_.size(); ++table)
    add_table(ctx, fetches[table], tables_[table].projection, out);
  if (tables_.empty()) return;
  const float terms = 1.0F + static_cast<float>(tables_.size());
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t i = 0; i < width(); ++i) out.row(t)[i] /= terms;
  }
}

}  // namespace nestor::ngram
