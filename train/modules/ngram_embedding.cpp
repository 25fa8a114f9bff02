#include "train/modules/ngram_embedding.h"

namespace nestor::train {

using torch::Tensor;

NgramProjections make_ngram_projections(Initializer& make, std::int64_t width, const std::string& name) {
  return {make.matrix(name + ".post_projs.weight", {width, width}, Role::ngram_projection)};
}

Tensor rows_of(const TableLookup& lookup) { return ops::gather_rows(lookup.leaf, lookup.index); }

Tensor ngram_embedding(const Step& step, const TableLookup& word, std::span<const TableLookup> tables,
                       const NgramProjections& w) {
  std::vector<Tensor> rows;
  for (const TableLookup& table : tables) rows.push_back(rows_of(table));
  const Tensor projected = ops::linear(torch::cat(rows, 1), w.weight, step.products);
  return (rows_of(word) + projected) / static_cast<double>(1 + tables.size());
}

}  // namespace nestor::train
