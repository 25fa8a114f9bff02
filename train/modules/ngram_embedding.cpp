#include "train/modules/ngram_embedding.h"

namespace nestor::train {

using torch::Tensor;

Tensor rows_of(const TableLookup& lookup) { return ops::gather_rows(lookup.leaf, lookup.index); }

Tensor ngram_embedding(const Step& step, const EmbeddingLookup& lookup, const NgramProjections& w) {
  std::vector<Tensor> rows;
  for (const TableLookup& table : lookup.ngrams) rows.push_back(rows_of(table));
  const Tensor projected = ops::linear(torch::cat(rows, 1), w.weight, step.products);
  return (rows_of(lookup.word) + projected) / static_cast<double>(1 + lookup.ngrams.size());
}

}  // namespace nestor::train
