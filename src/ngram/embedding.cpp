#include "ngram/embedding.h"

#include "quant/matrix.h"

namespace nestor::ngram {

NgramEmbedding::NgramEmbedding(kernels::MatrixView word_table, hash::NgramHash hash,
                               std::vector<Table> tables)
    : word_table_(word_table),
      hash_(std::make_unique<hash::NgramHash>(std::move(hash))),
      tables_(std::move(tables)) {}

NgramEmbedding::NgramEmbedding(kernels::MatrixView word_table) : word_table_(word_table) {}

std::vector<std::int64_t> NgramEmbedding::rows_from(std::span<const TokenId> history,
                                                    std::size_t first) const {
  return hash_ == nullptr ? std::vector<std::int64_t>{} : hash_->rows_from(history, first);
}

void NgramEmbedding::embed(const kernels::Context& ctx, std::span<const TokenId> history, std::size_t first,
                           kernels::Rows out) const {
  const auto count = static_cast<std::int64_t>(history.size() - first);
  for (std::int64_t t = 0; t < count; ++t) {
    kernels::widen_row(ctx, word_table_, history[first + static_cast<std::size_t>(t)], out.row(t));
  }
  if (tables_.empty()) return;

  const std::vector<std::int64_t> rows = rows_from(history, first);  // [count][tables]
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    for (std::size_t t = 0; t < ids.size(); ++t) ids[t] = rows[t * tables_.size() + table];
    add_table(ctx, tables_[table], ids, out);
  }
  const float terms = 1.0F + static_cast<float>(tables_.size());
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t h = 0; h < word_table_.cols; ++h) out.row(t)[h] /= terms;
  }
}

void NgramEmbedding::add_table(const kernels::Context& ctx, const Table& table,
                               std::span<const std::int64_t> ids, kernels::Rows out) const {
  const kernels::Arena::Scope scope(ctx.arena);
  const auto count = static_cast<std::int64_t>(ids.size());
  std::vector<std::byte> stored(ids.size() * static_cast<std::size_t>(table.rows->row_bytes()));
  table.rows->fetch(ids, stored);

  const kernels::Rows rows = kernels::take_rows(ctx.arena, count, table.rows->width());
  const auto view = quant::matrix_view(stored.data(), table.rows->format(), count, table.rows->width());
  for (std::int64_t t = 0; t < count; ++t) kernels::widen_row(ctx, view, t, rows.row(t));
  const kernels::Rows projected = kernels::take_rows(ctx.arena, count, word_table_.cols);
  kernels::matmul(ctx, rows, count, table.projection, projected);
  kernels::add_scaled(ctx, projected, count, word_table_.cols, 1.0F, out);
}

}  // namespace nestor::ngram
