// The input layer (spec 4.4, Eq. 3 of the paper): the mean of the word row and of one projected row from
// every table.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "hash/ngram_hash.h"
#include "kernels/ops.h"
#include "ngram/row_store.h"

namespace nestor::ngram {

struct Table {
  std::unique_ptr<RowStore> rows;  // [M_i, H / tables]
  kernels::MatrixView projection;  // [H, H / tables]
};

class NgramEmbedding {
 public:
  /// `word_table` is [V, H]; without tables the embedding is the word row alone.
  NgramEmbedding(kernels::MatrixView word_table, hash::NgramHash hash, std::vector<Table> tables);
  explicit NgramEmbedding(kernels::MatrixView word_table);

  /// Embeds history[first..] into consecutive rows of `out` [n, H].
  void embed(const kernels::Context& ctx, std::span<const TokenId> history, std::size_t first,
             kernels::Rows out) const;

  /// The rows that embed() reads: [n][tables], empty without tables.
  std::vector<std::int64_t> rows_from(std::span<const TokenId> history, std::size_t first) const;

 private:
  void add_table(const kernels::Context& ctx, const Table& table, std::span<const std::int64_t> ids,
                 kernels::Rows out) const;

  kernels::MatrixView word_table_;
  std::unique_ptr<hash::NgramHash> hash_;  // null without tables
  std::vector<Table> tables_;
};

}  // namespace nestor::ngram
