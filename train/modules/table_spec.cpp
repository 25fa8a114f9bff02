#include "train/modules/table_spec.h"

#include <cmath>

#include "train/modules/initial_values.h"

namespace nestor::train {
std::vector<TableSpec> table_specs(const recipe::Modeling& modeling) {
  using config::Field, config::Part;
  const config::ModelConfig& c = modeling.config;
  // Folded amplification: the tables of the input hold sqrt(D) times the values of Eq. 3.
  const bool folded = modeling.amplification == recipe::Amplification::sqrt_d;
  const double factor = folded ? std::sqrt(static_cast<double>(c.hidden_size)) : 1.0;
  // An embedding in the place of an up-projection starts as large as what that would give of a normalised
  // vector; zeros would stop the gate's gradient.
  const double up = modeling.init_std * std::sqrt(static_cast<double>(c.hidden_size));
  const double parts =
      c.per_layer && c.per_layer->ngram ? 1 + static_cast<double>(c.per_layer->ngram->tables()) : 1;
  std::vector<TableSpec> specs;
  config::for_each_tensor(c, {}, [&](const config::TensorInfo& t) {
    if (t.storage != config::Storage::table) return;
    const bool words = t.slot.field == Field::words, of_layer = t.slot.part == Part::layer_table;
    const double deviation = !words ? modeling.ngram_table_std : of_layer ? up : modeling.word_table_std;
    const double amplification = of_layer ? 1 : factor;
    specs.push_back(
        {t.slot, t.name, t.shape[0], t.shape[1], amplification, deviation * (of_layer ? parts : factor)});
  });
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
