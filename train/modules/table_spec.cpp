#include "train/modules/table_spec.h"

#include <fmt/format.h>

#include <cmath>

#include "config/tensor_list.h"
#include "train/modules/initial_values.h"

namespace nestor::train {
namespace {

using Kind = TableSpec::Kind;

void add_ngram(const config::NgramSpec& ngram, std::int64_t width, const std::string& stem, Kind kind,
               double deviation, std::vector<TableSpec>& out) {
  for (std::int64_t i = 0; i < ngram.tables(); ++i) {
    out.push_back({fmt::format("{}.embedders.{}.weight", stem, i), ngram.rows(i), width / ngram.tables(),
                   kind, i, deviation});
  }
}

}  // namespace

std::vector<TableSpec> table_specs(const recipe::Modeling& modeling) {
  const config::ModelConfig& c = modeling.config;
  // Folded amplification: the tables hold sqrt(D) times the values of Eq. 3.
  const bool folded = modeling.amplification == recipe::Amplification::sqrt_d;
  const double factor = folded ? std::sqrt(static_cast<double>(c.hidden_size)) : 1.0;
  std::vector<TableSpec> specs = {
      {config::tensor_name(c, {}, {config::Part::word_embedding, config::Field::words}), c.vocab_size,
       c.hidden_size, Kind::word, 0, modeling.word_table_std * factor}};
  if (c.ngram) {
    add_ngram(*c.ngram, c.hidden_size, "model.ngram_embeddings", Kind::ngram,
              modeling.ngram_table_std * factor, specs);
  }
  if (!c.per_layer) return specs;
  // An embedding in the place of an up-projection starts as large as what that would give of a normalised
  // vector; zeros would stop the gate's gradient.
  const double up = modeling.init_std * std::sqrt(static_cast<double>(c.hidden_size));
  const double parts = c.per_layer->ngram ? 1 + static_cast<double>(c.per_layer->ngram->tables()) : 1;
  for (std::int64_t n = 0; n < c.num_layers; ++n) {
    const std::string mlp = fmt::format("model.layers.{}.mlps.{}", n, c.per_layer->mlp);
    const std::string word =
        c.per_layer->ngram ? ".ngram_embeddings.word_embeddings.weight" : ".embed_tokens.weight";
    specs.push_back({mlp + word, c.vocab_size, c.ffn_hidden_size, Kind::word, 0, up * parts});
    if (c.per_layer->ngram) {
      add_ngram(*c.per_layer->ngram, c.ffn_hidden_size, mlp + ".ngram_embeddings", Kind::layer_ngram,
                modeling.ngram_table_std * parts, specs);
    }
  }
  return specs;
}

void initial_rows(const TableSpec& table, std::uint64_t seed, std::int64_t first, std::vector<float>& out) {
  if (table.initial_std == 0) {
    std::fill(out.begin(), out.end(), 0.0F);
    return;
  }
  // Streams count in pairs of values: a stream that starts at an odd element is drawn from the even one
  // before.
  const std::int64_t element = first * table.width;
  if (element % 2 == 0) return normal_values(seed, table.name, element, table.initial_std, out);
  std::vector<float> shifted(out.size() + 1);
  normal_values(seed, table.name, element - 1, table.initial_std, shifted);
  std::copy(shifted.begin() + 1, shifted.end(), out.begin());
}

}  // namespace nestor::train
