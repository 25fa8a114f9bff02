#include "train/modules/embedding.h"

namespace nestor::train {

using config::Field;
using config::Part;
using torch::Tensor;

EmbeddingParameters make_embedding(Initializer& make, const config::ModelConfig& c) {
  EmbeddingParameters w;
  if (c.ngram) w.projections = NgramProjections{make.parameter({Part::ngram_projection, Field::projection})};
  if (c.embedding_norm == config::EmbeddingNorm::layer_norm) {
    const auto of = [&](Field field) { return make.parameter({Part::embedding_norm, field}); };
    w.norm = EmbeddingNorm{of(Field::embedding_norm_weight), of(Field::embedding_norm_bias)};
  }
  return w;
}

Tensor embedding(const Step& step, const config::ModelConfig& c, const EmbeddingParameters& w,
                 const EmbeddingLookup& lookup) {
  Tensor e = w.projections ? ngram_embedding(step, lookup, *w.projections) : rows_of(lookup.word);
  const std::int64_t rows = step.rows * step.window;  // the rest is for the draft
  step.observer.see("embed", "", e.narrow(0, 0, rows));
  if (!w.norm) return e;
  e = torch::layer_norm(e, {c.hidden_size}, w.norm->weight, w.norm->bias, c.rms_norm_eps);
  step.observer.see("model.embedding_norm", "", e.narrow(0, 0, rows));
  return e;
}

}  // namespace nestor::train
