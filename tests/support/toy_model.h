// A language model whose logits are a hash of the history (history_logits.h): no weights, and any mistake in
// what is appended, forked or read changes the result.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "lm/language_model.h"
#include "support/history_logits.h"

namespace nestor::testing {

class ToyModel : public lm::LanguageModel {
 public:
  explicit ToyModel(std::int64_t vocab_size = 50, std::int64_t context_limit = 1000) {
    info_.vocab_size = vocab_size;
    info_.context_limit = context_limit;
    info_.eos_ids = {0};
  }

  const lm::Info& info() const override { return info_; }
  lm::SequenceId open() override { return open_with({}); }
  lm::SequenceId fork(lm::SequenceId source, std::int64_t length) override {
    auto tokens = at(source);
    cut(tokens, length);
    return open_with(std::move(tokens));
  }
  void truncate(lm::SequenceId id, std::int64_t length) override { cut(at(id), length); }
  void close(lm::SequenceId id) override {
    if (sequences_.erase(static_cast<std::uint32_t>(id)) != 1) fail(ErrorKind::usage, "closed twice");
  }
  std::span<const TokenId> history(lm::SequenceId id) const override {
    return sequences_.at(static_cast<std::uint32_t>(id));
  }

  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    if (++forwards == fail_at) fail(ErrorKind::io, "the toy was told to fail");
    values_.clear();
    std::set<lm::SequenceId> seen;
    std::int64_t rows = 0;
    for (const lm::Chunk& chunk : batch) {
      if (!seen.insert(chunk.sequence).second) fail(ErrorKind::internal, "a sequence occurs twice");
      if (chunk.ids.empty()) fail(ErrorKind::internal, "empty chunk");
      append(chunk);
      rows += std::ssize(chunk.ids);
      longest_chunk = std::max(longest_chunk, std::ssize(chunk.ids));
    }
    most_rows = std::max(most_rows, rows);
    fed += rows;
    most_logits = std::max(most_logits, std::ssize(values_) / info_.vocab_size);
    return {values_, info_.vocab_size};
  }

  std::int64_t open_now() const { return std::ssize(sequences_); }

  float sharpness = 1;                     // of its distributions: a factor of all logits
  std::int64_t fail_at = -1;               // the forward() that throws, counted from 1
  std::int64_t opened = 0, most_open = 0;  // forks included
  std::int64_t forwards = 0, fed = 0, most_rows = 0, most_logits = 0, longest_chunk = 0;

 private:
  std::vector<TokenId>& at(lm::SequenceId id) { return sequences_.at(static_cast<std::uint32_t>(id)); }

  lm::SequenceId open_with(std::vector<TokenId> tokens) {
    sequences_[++last_] = std::move(tokens);
    ++opened;
    most_open = std::max(most_open, open_now());
    return lm::SequenceId{last_};
  }

  static void cut(std::vector<TokenId>& tokens, std::int64_t length) {
    if (length > std::ssize(tokens)) fail(ErrorKind::usage, "longer than it is");
    tokens.resize(static_cast<std::size_t>(length));
  }

  void append(const lm::Chunk& chunk) {
    auto& tokens = at(chunk.sequence);
    for (std::size_t i = 0; i < chunk.ids.size(); ++i) {
      tokens.push_back(chunk.ids[i]);
      if (std::ssize(tokens) > info_.context_limit) fail(ErrorKind::limit, "toy context");
      if (static_cast<std::int64_t>(i) >= std::ssize(chunk.ids) - chunk.logits) {
        for (const float logit : logits_after(tokens, info_.vocab_size)) values_.push_back(logit * sharpness);
      }
    }
  }

  lm::Info info_;
  std::map<std::uint32_t, std::vector<TokenId>> sequences_;
  std::uint32_t last_ = 0;
  std::vector<float> values_;
};

}  // namespace nestor::testing
