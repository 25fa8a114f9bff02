// N-gram Embedding (Eq. 3 of the paper): the mean of the word row and of one projected row from each table.
// Serves the model's input and, at another width, the layers' own embeddings (PLNE). Letters: m positions, D
// width, N longest n-gram, K tables per order, G = K (N - 1) tables.
#pragma once

#include "train/modules/initial_values.h"
#include "train/modules/lookups.h"
#include "train/modules/step.h"

namespace nestor::train {

/// The projections W_i [D, D / G] side by side: one product does all of them.
struct NgramProjections {
  torch::Tensor weight;  // [D, D]; columns [i D / G, (i + 1) D / G) are W_i
};
/// The rows of a lookup, [m, width of the table].
torch::Tensor rows_of(const TableLookup& lookup);

/// [m, D] from the rows of the word table and of the G tables.
torch::Tensor ngram_embedding(const Step& step, const EmbeddingLookup& lookup, const NgramProjections& w);

}  // namespace nestor::train
