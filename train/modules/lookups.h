// Batch -> what the model reads: rows of the tables as leaves of the graph, positions, targets. The only file
// that turns token ids into tensors. Letters: B rows of T positions, n = B T; X additional positions for the
// draft; U distinct rows of a table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/model_config.h"
#include "corpus/loader.h"
#include "hash/ngram_hash.h"
#include "train/tables/row_table.h"
#include "train/torch.h"

namespace nestor::train {

/// One table's part in a step.
struct TableLookup {
  RowBatch batch;
  torch::Tensor leaf;   // [U, width]; after backward, leaf.grad() [U, width] belongs to batch.rows
  torch::Tensor index;  // [lookups] int32: rows of leaf
};

/// The rows of one embedding: of the word table, and of its n-gram tables if it has any.
struct EmbeddingLookup {
  TableLookup word;
  std::vector<TableLookup> ngrams;
};

/// What the losses of a step are means over.
struct StepCounts {
  std::int64_t positions = 0;     // n
  std::int64_t scored = 0;        // targets that count
  std::int64_t draft_scored = 0;  // of the draft block
};

/// What a batch is read for.
struct Purpose {
  enum class Kind { train, evaluate } kind = Kind::train;
  std::int64_t draft_rows = 0;  // the first so many rows of the batch also train the draft block
};

/// Everything that the forward pass of one batch needs.
struct Inputs {
  std::int64_t rows = 0, window = 0;  // B, T
  std::int64_t draft_rows = 0;
  EmbeddingLookup input;                // of n + X positions
  std::vector<EmbeddingLookup> layers;  // of n positions; none if layers have no embeddings of their own
  torch::Tensor segments;               // [B, T] int32
  torch::Tensor positions;              // [n] int64
  torch::Tensor targets;                // [n] int64, -1 where none is scored
  torch::Tensor draft_targets;          // [draft_rows T] int64
  /// Of each draft position its place among the n + X embeddings: that of the next token. At the first N - 1
  /// places of a segment this is one of the X: the first token of a segment is in no n-gram of the
  /// draft.
  torch::Tensor draft_index;  // [draft_rows T] int32
  StepCounts own;             // of this batch
  StepCounts whole;           // of all that the step adds up: as `own`, unless the batch is a part

  /// All of them, in the order of the tables.
  std::vector<const TableLookup*> lookups() const;
};

/// Const and thread-safe after construction, as far as the tables are.
class InputReader {
 public:
  struct Options {
    torch::Device device = torch::kCPU;
    torch::ScalarType dtype = torch::kFloat32;
  };
  InputReader(const config::ModelConfig& config, const Options& options);

  /// Gathers what `tables` (in the order of table_spec.h) hold. Error(bad_input) for ids outside of the
  /// vocabulary.
  Inputs read(const corpus::Batch& batch, const Purpose& purpose,
              std::span<const RowTable* const> tables) const;

 private:
  struct Plan;           // which positions are looked up
  struct EmbeddingRows;  // and which rows that are
  class Gatherer;

  config::ModelConfig config_;
  Options options_;
  std::vector<hash::NgramHash> hash_;        // of the n-gram embedding: none or one
  std::vector<hash::NgramHash> layer_hash_;  // of the per-layer n-gram embedding: none or one
};

}  // namespace nestor::train
