#include "train/modules/embedding.h"

namespace nestor::train {

using torch::Tensor;

EmbeddingParameters make_embedding(Initializer& make, const config::ModelConfig& c) {
  EmbeddingParameters w;
  if (c.ngram) w.projections = make_ngram_projections(make, c.hidden_size, "model.ngram_embeddings");
  if (c.embedding_norm == config::EmbeddingNorm::layer_norm) {
    w.norm = EmbeddingNorm{make.constant("model.embedding_norm.weight", c.hidden_size, 1),
                           make.constant("model.embedding_norm.bias", c.hidden_size, 0)};
  }
  return w;
}

Tensor embedding(const Step& step, const config::ModelConfig& c, const EmbeddingParameters& w,
                 std::span<const TableLookup> lookups) {
  Tensor e = rows_of(lookups[0]);
  if (w.projections) {
    const auto tables = static_cast<std::size_t>(c.ngram->tables());
    e = ngram_embedding(step, lookups[0], lookups.subspan(1, tables), *w.projections);
  }
  const std::int64_t rows = step.rows * step.window;  // the rest is for the draft
  step.observer.see("embed", "", e.narrow(0, 0, rows));
  if (!w.norm) return e;
  e = torch::layer_norm(e, {c.hidden_size}, w.norm->weight, w.norm->bias, c.rms_norm_eps);
  step.observer.see("model.embedding_norm", "", e.narrow(0, 0, rows));
  return e;
}

}  // namespace nestor::train
