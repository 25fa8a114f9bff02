#include "train/modules/lookups.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::train {
namespace {

using torch::Tensor;

void check_ids(const corpus::Batch& batch, std::int64_t vocab) {
  for (const TokenId id : batch.ids) {
    if (id < 0 || id >= vocab) {
      fail(ErrorKind::bad_input,
           "token id {} is outside the vocabulary of {}; was the corpus made with the tokenizer "
           "of this model?",
           id, vocab);
    }
  }
}

// Row numbers of all positions of the batch, table by table: [tables][n]. No n-gram reaches into another
// segment, whether there is an end of sequence between them or not.
std::vector<std::vector<std::int64_t>> hashed(const hash::NgramHash& hash, const corpus::Batch& batch) {
  const auto tables = static_cast<std::size_t>(hash.tables());
  std::vector<std::vector<std::int64_t>> by_table(tables);
  for (auto& rows : by_table) rows.reserve(batch.ids.size());
  const auto window = static_cast<std::size_t>(batch.window);
  for (std::size_t first = 0, end = 0; first < batch.ids.size(); first = end) {
    const std::size_t row_end = (first / window + 1) * window;
    for (end = first + 1; end < row_end && batch.segments[end] == batch.segments[first];) ++end;
    const auto rows = hash.rows_from(std::span(batch.ids).subspan(first, end - first), 0);
    for (std::size_t i = 0; i < rows.size(); ++i) by_table[i % tables].push_back(rows[i]);
  }
  return by_table;
}

template <typename T>
Tensor tensor_of(const std::vector<T>& values, torch::ScalarType stored, torch::ScalarType wanted,
                 torch::Device device) {
  const auto size = static_cast<std::int64_t>(values.size());
  return torch::from_blob(const_cast<T*>(values.data()), {size}, stored).clone().to(device, wanted);
}

}  // namespace

// The additional lookups of the draft: the first token of a segment takes part in none of its
// n-grams, so that the N - 1 embeddings after it differ from the target's.
struct InputReader::Plan {
  std::vector<TokenId> tokens;                  // [X]
  std::vector<std::vector<std::int64_t>> rows;  // [tables][X]
  std::vector<std::int32_t> index;              // [draft_rows T]
  std::vector<std::int64_t> targets;            // [draft_rows T]
  std::int64_t scored = 0;

  Plan(const corpus::Batch& batch, std::int64_t draft_rows, const hash::NgramHash* hash, std::int64_t order)
      : rows(hash != nullptr ? static_cast<std::size_t>(hash->tables()) : 0) {
    for (std::int64_t row = 0; row < draft_rows; ++row) {
      for (std::int64_t begin = 0; begin < batch.window;) {
        const std::int64_t first = row * batch.window + begin;
        std::int64_t length = 1;
        while (begin + length < batch.window &&
               at(batch.segments, first + length) == at(batch.segments, first)) {
          ++length;
        }
        add_segment(batch, first, length, hash, order);
        begin += length;
      }
    }
  }

 private:
  template <typename T>
  static const T& at(const std::vector<T>& values, std::int64_t i) {
    return values[static_cast<std::size_t>(i)];
  }

  void add_segment(const corpus::Batch& batch, std::int64_t first, std::int64_t length,
                   const hash::NgramHash* hash, std::int64_t order) {
    const auto n = static_cast<std::int64_t>(batch.ids.size());
    const std::int64_t own =
        hash == nullptr ? 0 : std::min(length - 1, order - 1);  // places with rows of their own
    const auto extra = n + static_cast<std::int64_t>(tokens.size());
    for (std::int64_t i = 0; i < length; ++i) {
      // The embedding of the next token; the last position has none and is not scored.
      const std::int64_t next = i + 1 < length ? i + 1 : i;
      const bool replaced = next >= 1 && next <= own && i + 1 < length;
      index.push_back(static_cast<std::int32_t>(replaced ? extra + next - 1 : first + next));
      targets.push_back(i + 1 < length ? at(batch.second_targets, first + i) : -1);
      if (targets.back() >= 0) ++scored;
    }
    if (own == 0) return;
    const auto history =
        std::span(batch.ids).subspan(static_cast<std::size_t>(first + 1), static_cast<std::size_t>(own));
    tokens.insert(tokens.end(), history.begin(), history.end());
    const auto found = hash->rows_from(history, 0);
    for (std::size_t i = 0; i < found.size(); ++i) rows[i % rows.size()].push_back(found[i]);
  }
};

// The distinct rows that an embedding reads: word by word, and of each n-gram table.
struct InputReader::EmbeddingRows {
  RowBatch word;
  std::vector<RowBatch> ngrams;

  EmbeddingRows(std::span<const std::int64_t> words, const std::vector<std::vector<std::int64_t>>& tables)
      : word(distinct_rows(words)) {
    for (const auto& rows : tables) ngrams.push_back(distinct_rows(rows));
  }
};

// Takes table after table, as embeddings ask for them.
class InputReader::Gatherer {
 public:
  Gatherer(std::span<const RowTable* const> tables, const Purpose& purpose, const Options& options)
      : tables_(tables), train_(purpose.kind == Purpose::Kind::train), options_(options) {}

  EmbeddingLookup embedding(const EmbeddingRows& rows) {
    EmbeddingLookup lookup{next(rows.word), {}};
    for (const RowBatch& ngram : rows.ngrams) lookup.ngrams.push_back(next(ngram));
    return lookup;
  }

 private:
  TableLookup next(const RowBatch& batch) {
    const RowTable& table = *tables_.front();
    tables_ = tables_.subspan(1);
    const auto count = static_cast<std::int64_t>(batch.rows.size());
    const Tensor rows = torch::empty({count, table.width()}, torch::kFloat32);
    table.gather(batch.rows, {rows.data_ptr<float>(), static_cast<std::size_t>(rows.numel())});
    return {batch, rows.to(options_.device, options_.dtype).set_requires_grad(train_),
            tensor_of(batch.index, torch::kInt32, torch::kInt32, options_.device)};
  }

  std::span<const RowTable* const> tables_;
  bool train_;
  Options options_;
};

std::vector<const TableLookup*> Inputs::lookups() const {
  std::vector<const TableLookup*> list;
  const auto add = [&](const EmbeddingLookup& embedding) {
    list.push_back(&embedding.word);
    for (const TableLookup& ngram : embedding.ngrams) list.push_back(&ngram);
  };
  add(input);
  for (const EmbeddingLookup& layer : layers) add(layer);
  return list;
}

InputReader::InputReader(const config::ModelConfig& config, const Options& options)
    : config_(config), options_(options) {
  if (config.ngram) hash_.emplace_back(*config.ngram, config.eos_token_ids);
  if (config.per_layer && config.per_layer->ngram) {
    layer_hash_.emplace_back(*config.per_layer->ngram, config.eos_token_ids);
  }
}

Inputs InputReader::read(const corpus::Batch& batch, const Purpose& purpose,
                         std::span<const RowTable* const> tables) const {
  check_ids(batch, config_.vocab_size);
  const hash::NgramHash* hash = hash_.empty() ? nullptr : &hash_.front();
  const Plan plan(batch, purpose.draft_rows, hash, hash == nullptr ? 0 : config_.ngram->order);

  Inputs in;
  in.rows = batch.rows;
  in.window = batch.window;
  in.draft_rows = purpose.draft_rows;
  in.own.positions = batch.rows * batch.window;
  in.own.scored = std::count_if(batch.targets.begin(), batch.targets.end(), [](TokenId t) { return t >= 0; });
  in.own.draft_scored = plan.scored;
  in.whole = in.own;
  in.segments = tensor_of(batch.segments, torch::kInt32, torch::kInt32, options_.device)
                    .view({batch.rows, batch.window});
  in.positions = tensor_of(batch.positions, torch::kInt32, torch::kInt64, options_.device);
  in.targets = tensor_of(batch.targets, torch::kInt32, torch::kInt64, options_.device);
  in.draft_targets = tensor_of(plan.targets, torch::kInt64, torch::kInt64, options_.device);
  in.draft_index = tensor_of(plan.index, torch::kInt32, torch::kInt32, options_.device);

  Gatherer gatherer(tables, purpose, options_);
  const std::vector<std::int64_t> words(batch.ids.begin(), batch.ids.end());
  std::vector<std::int64_t> words_and_draft = words;
  words_and_draft.insert(words_and_draft.end(), plan.tokens.begin(), plan.tokens.end());
  std::vector<std::vector<std::int64_t>> ngrams;
  if (hash != nullptr) ngrams = hashed(*hash, batch);
  for (std::size_t i = 0; i < ngrams.size(); ++i) {
    ngrams[i].insert(ngrams[i].end(), plan.rows[i].begin(), plan.rows[i].end());
  }
  in.input = gatherer.embedding({words_and_draft, ngrams});
  if (!config_.per_layer) return in;
  // All layers look up alike and share the sorting.
  const EmbeddingRows own = {words, layer_hash_.empty() ? std::vector<std::vector<std::int64_t>>()
                                                        : hashed(layer_hash_.front(), batch)};
  for (std::int64_t n = 0; n < config_.num_layers; ++n) in.layers.push_back(gatherer.embedding(own));
  return in;
}

}  // namespace nestor::train
