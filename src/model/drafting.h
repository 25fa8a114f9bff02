// Guesses of the draft block: what it remembers of sequences, and its passes.
//
// For a sequence it keeps the target's last hidden rows and their embeddings until they have gone through the
// block, and the block's attention records from some position on. All of it can be forgotten at any time:
// guesses get worse, and nothing else changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "layers/draft_block.h"
#include "lm/language_model.h"
#include "model/pages.h"
#include "ngram/embedding.h"

namespace nestor::model {

class Drafting {
 public:
  /// How many of a forward's rows are worth keeping: those before them hardly change a guess.
  static constexpr std::int64_t kWindow = 64;

  /// What a guess is computed with, as the target is.
  struct Model {
    const layers::DraftBlockWeights& block;
    const ngram::NgramEmbedding& embedding;
    const std::optional<kernels::LayerNormWeights>& embedding_norm;
    const layers::AttentionShape& attention;
    const layers::Rotary& rotary;
    float norm_eps;
  };

  /// Whose embedding the block takes: the target's N-gram Embedding, which is then computed once for both, or
  /// a word table of its own.
  enum class Embedding { of_target, own };

  /// `order` is N of the n-grams, 1 without any; `records` the layout of one attention module in a page.
  Drafting(std::int64_t hidden, std::int64_t order, Embedding embedding,
           const kernels::RecordLayout& records);

  /// The last of the rows that a forward appended up to `length`, ascending.
  void keep(lm::SequenceId sequence, std::int64_t length, std::int64_t rows, kernels::Rows embedded,
            kernels::Rows hidden);
  void forget(lm::SequenceId sequence);
  void truncate(lm::SequenceId sequence, std::int64_t length);
  void fork(lm::SequenceId from, lm::SequenceId to, std::int64_t length);

  /// Whether the hidden row of the last of `length` tokens is there.
  bool ready(lm::SequenceId sequence, std::int64_t length) const;

  /// Embeddings [n, H] of the first n of these tokens, which go behind `length` others: computed when they
  /// were supposed. Valid until the sequence changes.
  std::span<const float> embedded(lm::SequenceId sequence, std::int64_t length,
                                  std::span<const TokenId> ids) const;

  /// What the head reads to guess the token after each supposed one: z [tokens, H]. A sequence that is not
  /// ready is an Error(usage).
  void guess(const kernels::Context& ctx, const Model& model, std::span<const lm::Supposed> tokens,
             const lm::LanguageModel& histories, kernels::Rows z);

 private:
  struct State {
    // Rows of positions [first, length) that have not gone through the block.
    std::int64_t first = 0, length = 0;
    std::vector<float> hidden, embedded;  // [length - first, H]
    // Records of positions [base, recorded), those of the supposed tokens behind them.
    std::int64_t base = 0, recorded = 0;
    std::vector<PagePool::PageId> pages;
    std::vector<std::uint8_t*> page_data;
    // Tokens supposed after the history, their embeddings [n, H], and the block's last output [H].
    std::vector<TokenId> supposed;
    std::vector<float> supposed_embedded, z;
    std::uint64_t used = 0;
  };
  // The rows of one guess.
  struct Part {
    State* state = nullptr;
    std::int64_t first = 0, rows = 0;   // positions
    std::vector<TokenId> history = {};  // its end, with what is supposed: what n-grams see
    std::int64_t unknown = 0;           // of which the last so many have no embedding yet
  };
  // What goes into a pass, [rows, H], and where it stands.
  struct Inputs {
    kernels::Rows embedding, hidden;
    std::vector<kernels::AttendRow> rows;
    std::vector<std::int64_t> positions;
  };

  void begin(const lm::Supposed& token, std::span<const TokenId> history, Part& part);
  void fill(const kernels::Context& ctx, const Model& model, Inputs& inputs);
  void finish(const Part& part, kernels::Rows embedding, const float* z);
  void make_room(State& state, std::int64_t records);
  void release_pages(State& state);
  void drop_oldest();

  std::int64_t hidden_;
  std::int64_t order_;
  Embedding embedding_;
  kernels::RecordLayout records_;
  PagePool pool_;
  std::map<lm::SequenceId, State> states_;
  std::uint64_t clock_ = 0;
  std::vector<Part> parts_;
  Inputs inputs_;
  ngram::Lookup lookup_;
};

}  // namespace nestor::model
