// A language model whose logits are a hash of the history (support/history_logits.h), with pages that are
// counted, shared and copied as those of a real one. Any mistake in what is appended, forked or read changes
// the tokens that come out; any mistake in counting pages throws.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/error.h"
#include "lm/language_model.h"
#include "support/history_logits.h"

namespace nestor::schedule {

struct ToyOptions {
  std::int64_t vocab_size = 50;
  std::int64_t context_limit = 1000;
  std::int64_t pages = lm::Memory::unlimited;
  std::int64_t page_positions = 4;
};

class PagedToyModel : public lm::LanguageModel {
 public:
  explicit PagedToyModel(const ToyOptions& options = {}) : options_(options) {
    info_.vocab_size = options.vocab_size;
    info_.context_limit = options.context_limit;
    info_.eos_ids = {0};
  }

  const lm::Info& info() const override { return info_; }
  lm::SequenceId open() override {
    sequences_[++last_];
    return lm::SequenceId{last_};
  }
  lm::SequenceId fork(lm::SequenceId source, std::int64_t length) override {
    State copy = at(source);
    cut(copy, length);
    sequences_[++last_] = std::move(copy);
    return lm::SequenceId{last_};
  }
  void truncate(lm::SequenceId id, std::int64_t length) override { cut(at(id), length); }
  void close(lm::SequenceId id) override {
    if (sequences_.erase(static_cast<std::uint32_t>(id)) != 1) fail(ErrorKind::usage, "closed twice");
  }
  std::span<const TokenId> history(lm::SequenceId id) const override { return at(id).tokens; }

  lm::Memory memory() const override {
    return {options_.page_positions, 100, options_.pages, static_cast<std::int64_t>(pages_in_use())};
  }
  std::int64_t pages_to_append(lm::SequenceId id, std::int64_t tokens) const override {
    const State& s = at(id);
    if (tokens <= 0) return 0;
    return pages(std::ssize(s.tokens) + tokens) - std::ssize(s.pages) + (copies_last_page(s) ? 1 : 0);
  }

  lm::Logits forward(std::span<const lm::Chunk> batch) override {
    ++forwards;
    std::set<lm::SequenceId> seen;
    std::int64_t rows = 0;
    for (const lm::Chunk& chunk : batch) {
      if (!seen.insert(chunk.sequence).second) fail(ErrorKind::usage, "a sequence occurs twice");
      if (chunk.ids.empty()) fail(ErrorKind::usage, "an empty chunk");
      rows += std::ssize(chunk.ids);
      if (std::ranges::find(chunk.ids, poison) != chunk.ids.end()) fail(ErrorKind::io, "poisoned");
    }
    const auto before = sequences_;
    try {
      values_.clear();
      for (const lm::Chunk& chunk : batch) append(chunk);
    } catch (...) {
      sequences_ = before;
      throw;
    }
    most_rows = std::max(most_rows, rows);
    appended += rows;
    most_open = std::max(most_open, std::ssize(batch));
    return {values_, info_.vocab_size};
  }

  std::int64_t open_now() const { return std::ssize(sequences_); }
  std::vector<std::vector<TokenId>> histories() const {
    std::vector<std::vector<TokenId>> all;
    for (const auto& [id, s] : sequences_) all.push_back(s.tokens);
    return all;
  }
  std::size_t pages_in_use() const {
    std::set<const Page*> distinct;
    for (const auto& [id, s] : sequences_) {
      for (const auto& page : s.pages) distinct.insert(page.get());
    }
    return distinct.size();
  }

  TokenId poison = -1;  // appending it fails
  std::int64_t forwards = 0, most_rows = 0, most_open = 0, appended = 0;

 private:
  struct Page {};
  struct State {
    std::vector<TokenId> tokens;
    std::vector<std::uint64_t> hashes;  // after each token
    std::vector<std::shared_ptr<Page>> pages;
  };

  std::int64_t pages(std::int64_t tokens) const {
    return (tokens + options_.page_positions - 1) / options_.page_positions;
  }
  bool copies_last_page(const State& s) const {
    return std::ssize(s.tokens) % options_.page_positions != 0 && s.pages.back().use_count() > 1;
  }
  State& at(lm::SequenceId id) { return sequences_.at(static_cast<std::uint32_t>(id)); }
  const State& at(lm::SequenceId id) const { return sequences_.at(static_cast<std::uint32_t>(id)); }

  void cut(State& s, std::int64_t length) {
    if (length > std::ssize(s.tokens)) fail(ErrorKind::usage, "longer than it is");
    s.tokens.resize(static_cast<std::size_t>(length));
    s.hashes.resize(static_cast<std::size_t>(length));
    s.pages.resize(static_cast<std::size_t>(pages(length)));
  }

  void append(const lm::Chunk& chunk) {
    State& s = at(chunk.sequence);
    if (std::ssize(s.tokens) + std::ssize(chunk.ids) > info_.context_limit)
      fail(ErrorKind::limit, "toy context");
    if (std::ssize(s.tokens) % options_.page_positions != 0) s.pages.back() = std::make_shared<Page>();
    while (std::ssize(s.pages) < pages(std::ssize(s.tokens) + std::ssize(chunk.ids))) {
      s.pages.push_back(std::make_shared<Page>());
    }
    if (static_cast<std::int64_t>(pages_in_use()) > options_.pages) fail(ErrorKind::limit, "toy pages");
    for (std::size_t i = 0; i < chunk.ids.size(); ++i) {
      s.hashes.push_back(testing::hash_after(s.hashes.empty() ? 0 : s.hashes.back(), chunk.ids[i]));
      s.tokens.push_back(chunk.ids[i]);
      if (static_cast<std::int64_t>(i) >= std::ssize(chunk.ids) - chunk.logits) {
        const auto row = testing::logits_of_hash(s.hashes.back(), info_.vocab_size);
        values_.insert(values_.end(), row.begin(), row.end());
      }
    }
  }

  ToyOptions options_;
  lm::Info info_;
  std::map<std::uint32_t, State> sequences_;
  std::uint32_t last_ = 0;
  std::vector<float> values_;
};

}  // namespace nestor::schedule
