// One forward pass over chunks of several sequences, and the rows of logits that each of them gets.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lm/language_model.h"

namespace nestor::decode {

/// Memory is kept from one pass to the next. One thread, which owns the model.
class Batch {
 public:
  explicit Batch(lm::LanguageModel& model) : model_(model) {}

  void clear() { chunks_.clear(); }
  /// `ids` stay as they are until the next clear().
  void add(const lm::Chunk& chunk) { chunks_.push_back(chunk); }

  /// Throws as LanguageModel::forward() does, and Error(internal) if the model returns another number of rows
  /// than was asked for; after an error all sequences are as they were.
  void forward();

  std::span<const lm::Chunk> chunks() const { return chunks_; }
  /// The rows of chunk i, valid until the model's next forward().
  lm::Logits rows(std::size_t i) const { return logits_.slice(first_rows_[i], chunks_[i].logits); }

 private:
  lm::LanguageModel& model_;
  std::vector<lm::Chunk> chunks_;
  std::vector<std::int64_t> first_rows_;
  lm::Logits logits_;
};

}  // namespace nestor::decode
