// A language model whose logits are a hash of the history: no weights, and any mistake in what a turn
// appends, or where it reads its logits, changes the tokens that come out.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "lm/language_model.h"

namespace nestor::decode {

class ToyModel : public lm::LanguageModel {
 public:
  explicit ToyModel(std::int64_t vocab_size = 50, std::int64_t context_limit = 1000) {
    info_.vocab_size = vocab_size;
    info_.context_limit = context_limit;
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
    ++opened;
    sequences_[++last_];
    most_open = std::max(most_open, open_now());
    return lm::SequenceId{last_};
  }
  lm::SequenceId fork(lm::SequenceId, std::int64_t) override { fail(ErrorKind::unsupported, "fork"); }
  void truncate(lm::SequenceId, std::int64_t) override { fail(ErrorKind::unsupported, "truncate"); }
  void close(lm::SequenceId id) override { sequences_.erase(static_cast<std::uint32_t>(id)); }
  std::span<const TokenId> history(lm::SequenceId id) const override {
    return sequences_.at(static_cast<std::uint32_t>(id));
  }

  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    if (++forwards == fail_at) fail(ErrorKind::io, "the toy was told to fail");
    std::int64_t rows = 0;
    values_.clear();
    for (const lm::Chunk& chunk : batch) {
      auto& tokens = sequences_.at(static_cast<std::uint32_t>(chunk.sequence));
      tokens.insert(tokens.end(), chunk.ids.begin(), chunk.ids.end());
      if (std::ssize(tokens) > info_.context_limit) fail(ErrorKind::limit, "toy context");
      if (chunk.ids.empty()) fail(ErrorKind::internal, "empty chunk");
      rows += std::ssize(chunk.ids);
      longest_chunk = std::max(longest_chunk, std::ssize(chunk.ids));
      if (chunk.logits == lm::LogitsFor::none) continue;
      const auto row = logits_after(tokens, info_.vocab_size);
      values_.insert(values_.end(), row.begin(), row.end());
    }
    most_rows = std::max(most_rows, rows);
    return {values_, info_.vocab_size};
  }

  std::int64_t open_now() const { return std::ssize(sequences_); }

  std::int64_t fail_at = -1;  // the forward() that throws, counted from 1
  std::int64_t forwards = 0, opened = 0, most_open = 0, most_rows = 0, longest_chunk = 0;

 private:
  lm::Info info_;
  std::map<std::uint32_t, std::vector<TokenId>> sequences_;
  std::uint32_t last_ = 0;
  std::vector<float> values_;
};

}  // namespace nestor::decode
