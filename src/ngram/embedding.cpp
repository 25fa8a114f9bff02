#include "ngram/embedding.h"

#include "quant/matrix.h"

namespace nestor::ngram {
namespace {

// The stored rows `ids`, widened.
void fetch(const kernels::Context& ctx, const RowStore& store, std::span<const std::int64_t> ids,
           kernels::Rows out) {
  std::vector<std::byte> stored(ids.size() * static_cast<std::size_t>(store.row_bytes()));
  store.fetch(ids, stored);
  const auto count = static_cast<std::int64_t>(ids.size());
  const RowFormat format = store.format();
  if (const auto* record = std::get_if<quant::RecordFormat>(&format)) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(stored.data());
    for (std::int64_t t = 0; t < count; ++t)
      quant::decode_record(*record, bytes + t * record->bytes(), out.row(t));
    return;
  }
  const auto view = quant::matrix_view(stored.data(), std::get<quant::Format>(format), count, store.width());
  for (std::int64_t t = 0; t < count; ++t) kernels::widen_row(ctx, view, t, out.row(t));
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
  fetch(ctx, *words_, lookup.words(), out);
  if (tables_.empty()) return;

  const std::span<const std::int64_t> rows = lookup.rows(*hash_);  // [T][tables]
  std::vector<std::int64_t> ids(lookup.words().size());
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    for (std::size_t t = 0; t < ids.size(); ++t) ids[t] = rows[t * tables_.size() + table];
    add_table(ctx, tables_[table], ids, out);
  }
  const float terms = 1.0F + static_cast<float>(tables_.size());
  const auto count = static_cast<std::int64_t>(ids.size());
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t i = 0; i < width(); ++i) out.row(t)[i] /= terms;
  }
}

void NgramEmbedding::add_table(const kernels::Context& ctx, const Table& table,
                               std::span<const std::int64_t> ids, kernels::Rows out) const {
  const kernels::Arena::Scope scope(ctx.arena);
  const auto count = static_cast<std::int64_t>(ids.size());
  const kernels::Rows rows = kernels::take_rows(ctx.arena, count, table.rows->width());
  fetch(ctx, *table.rows, ids, rows);
  const kernels::Rows projected = kernels::take_rows(ctx.arena, count, width());
  kernels::matmul(ctx, rows, count, table.projection, projected);
  kernels::add_scaled(ctx, projected, count, width(), 1.0F, out);
}

}  // namespace nestor::ngram
