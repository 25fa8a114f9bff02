// The sequences of a model: token histories, and the pages that cache what was computed for them.
#pragma once

#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "lm/language_model.h"
#include "model/pages.h"

namespace nestor::model {

struct SequenceState {
  std::vector<TokenId> history;
  std::vector<PagePool::PageId> pages;   // page i holds positions [i * page_positions, ...)
  std::vector<std::uint8_t*> page_data;  // the same pages as kernels see them
};

class Sequences {
 public:
  Sequences(PagePool pool, std::int64_t page_positions)
      : pool_(std::move(pool)), page_positions_(page_positions) {}

  lm::SequenceId open();
  lm::SequenceId fork(lm::SequenceId source, std::int64_t length);
  void truncate(lm::SequenceId id, std::int64_t length);
  void close(lm::SequenceId id);

  /// Error(usage) if no sequence has that id.
  const SequenceState& get(lm::SequenceId id) const;

  /// Appends tokens and provides pages of their own for them: a shared last page is copied first. On an error
  /// the sequence is as it was.
  void append(lm::SequenceId id, std::span<const TokenId> ids);

  /// Pages that append() would take for so many tokens.
  std::int64_t pages_to_append(lm::SequenceId id, std::int64_t tokens) const;

  std::int64_t page_positions() const { return page_positions_; }
  const PagePool& pool() const { return pool_; }

 private:
  SequenceState& state(lm::SequenceId id);
  bool must_copy_last_page(const SequenceState& s) const;
  void make_room(SequenceState& s, std::int64_t length);

  PagePool pool_;
  std::int64_t page_positions_;
  std::vector<std::optional<SequenceState>> sequences_;
};

}  // namespace nestor::model
