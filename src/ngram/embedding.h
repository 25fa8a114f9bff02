// An N-gram Embedding (Eq. 3 of the paper): the mean of the word row and of one projected row from
// every table. The input of a model is one, and so is the embedding of a layer. W is its width: the hidden
// size of the first, the inner size of an MLP of the second.
#pragma once

#include <memory>
#include <vector>

#include "hash/ngram_hash.h"
#include "kernels/ops.h"
#include "ngram/lookup.h"
#include "ngram/row_store.h"

namespace nestor::ngram {

struct Table {
  std::unique_ptr<RowStore> rows;  // [M_i, W / tables]
  kernels::MatrixView projection;  // [W, W / tables]
};

class NgramEmbedding {
 public:
  /// The word row alone, of `words` [V, W].
  explicit NgramEmbedding(std::unique_ptr<RowStore> words);
  /// With tables whose rows `hash` knows. Embeddings that hash alike share it.
  NgramEmbedding(std::unique_ptr<RowStore> words, std::shared_ptr<const hash::NgramHash> hash,
                 std::vector<Table> tables);

  std::int64_t width() const { return words_->width(); }

  /// Rows read so far, of the word table and of the n-gram tables.
  RowReads word_reads() const { return words_->reads(); }
  RowReads ngram_reads() const;

  /// The rows of `lookup` embedded, to `out` [T, W].
  void embed(const kernels::Context& ctx, Lookup& lookup, kernels::Rows out) const;

 private:
  std::unique_ptr<RowStore> words_;
  std::shared_ptr<const hash::NgramHash> hash_;  // null without tables
  std::vector<Table> tables_;
};

}  // namespace nestor::ngram
