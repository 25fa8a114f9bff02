// A language model whose logits are a hash of the whole history: scoring the wrong position, a wrong fork or
// a token too many changes the result. No weights.
#pragma once

#include <map>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "lm/language_model.h"

namespace nestor::eval {

class HistoryModel : public lm::LanguageModel {
 public:
  explicit HistoryModel(std::int64_t vocab_size, std::int64_t context_limit = 1000) {
    info_.vocab_size = vocab_size;
    info_.context_limit = context_limit;
    info_.eos_ids = {0};
  }

  static std::vector<float> logits_after(std::span<const TokenId> history, std::int64_t vocab_size) {
    std::uint64_t hash = 0;
    for (const TokenId id : history) {
      const auto r = philox(hash, static_cast<std::uint64_t>(id), 1);
      hash = (std::uint64_t{r[0]} << 32) | r[1];
    }
    std::vector<float> row(static_cast<std::size_t>(vocab_size));
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(8 * uniform(hash, i, 2) - 4);
    return row;
  }

  const lm::Info& info() const override { return info_; }
  lm::SequenceId open() override {
    sequences_[++last_];
    return lm::SequenceId{last_};
  }
  lm::SequenceId fork(lm::SequenceId source, std::int64_t length) override {
    auto tokens = at(source);
    tokens.resize(static_cast<std::size_t>(length));
    sequences_[++last_] = std::move(tokens);
    return lm::SequenceId{last_};
  }
  void truncate(lm::SequenceId id, std::int64_t length) override {
    at(id).resize(static_cast<std::size_t>(length));
  }
  void close(lm::SequenceId id) override { sequences_.erase(static_cast<std::uint32_t>(id)); }
  std::span<const TokenId> history(lm::SequenceId id) const override {
    return sequences_.at(static_cast<std::uint32_t>(id));
  }

  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    if (++forwards == fail_at) fail(ErrorKind::io, "the toy was told to fail");
    values_.clear();
    std::int64_t rows = 0;
    for (const lm::Chunk& chunk : batch) {
      auto& tokens = at(chunk.sequence);
      for (std::size_t i = 0; i < chunk.ids.size(); ++i) {
        tokens.push_back(chunk.ids[i]);
        if (std::ssize(tokens) > info_.context_limit) fail(ErrorKind::limit, "toy context");
        const bool last = i + 1 == chunk.ids.size();
        if (chunk.logits == lm::LogitsFor::all || (chunk.logits == lm::LogitsFor::last && last)) {
          auto row = logits_after(tokens, info_.vocab_size);
          for (float& logit : row) logit *= sharpness;
          values_.insert(values_.end(), row.begin(), row.end());
        }
      }
      rows += std::ssize(chunk.ids);
    }
    most_rows = std::max(most_rows, rows);
    fed += rows;
    most_logits = std::max(most_logits, std::ssize(values_) / info_.vocab_size);
    return {values_, info_.vocab_size};
  }

  std::int64_t open_now() const { return std::ssize(sequences_); }

  float sharpness = 1;        // of its distributions: a factor of all logits
  std::int64_t fail_at = -1;  // the forward() that throws, counted from 1
  std::int64_t forwards = 0, most_rows = 0, most_logits = 0, fed = 0;

 private:
  std::vector<TokenId>& at(lm::SequenceId id) { return sequences_.at(static_cast<std::uint32_t>(id)); }

  lm::Info info_;
  std::map<std::uint32_t, std::vector<TokenId>> sequences_;
  std::uint32_t last_ = 0;
  std::vector<float> values_;
};

}  // namespace nestor::eval
