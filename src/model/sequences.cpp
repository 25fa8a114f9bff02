#include "model/sequences.h"

#include <cstring>

#include "base/error.h"

namespace nestor::model {

lm::SequenceId Sequences::open() {
  for (std::size_t i = 0; i < sequences_.size(); ++i) {
    if (!sequences_[i]) {
      sequences_[i].emplace();
      return static_cast<lm::SequenceId>(i);
    }
  }
  sequences_.emplace_back(std::in_place);
  return static_cast<lm::SequenceId>(sequences_.size() - 1);
}

SequenceState& Sequences::state(lm::SequenceId id) {
  const auto i = static_cast<std::size_t>(id);
  if (i >= sequences_.size() || !sequences_[i]) fail(ErrorKind::usage, "no open sequence has the id {}", i);
  return *sequences_[i];
}

const SequenceState& Sequences::get(lm::SequenceId id) const {
  return const_cast<Sequences*>(this)->state(id);
}

lm::SequenceId Sequences::fork(lm::SequenceId source, std::int64_t length) {
  const auto source_length = static_cast<std::int64_t>(state(source).history.size());
  if (length < 0 || length > source_length) {
    fail(ErrorKind::usage, "cannot fork a sequence of {} tokens at {}", source_length, length);
  }
  const SequenceState& from = state(source);
  const auto pages = static_cast<std::ptrdiff_t>((length + page_positions_ - 1) / page_positions_);
  SequenceState forked{{from.history.begin(), from.history.begin() + length},
                       {from.pages.begin(), from.pages.begin() + pages},
                       {from.page_data.begin(), from.page_data.begin() + pages}};
  const lm::SequenceId id = open();  // the last that can fail
  for (const PagePool::PageId page : forked.pages) pool_.retain(page);
  state(id) = std::move(forked);
  return id;
}

void Sequences::truncate(lm::SequenceId id, std::int64_t length) {
  SequenceState& s = state(id);
  if (length < 0 || length > static_cast<std::int64_t>(s.history.size())) {
    fail(ErrorKind::usage, "cannot truncate a sequence of {} tokens to {}", s.history.size(), length);
  }
  s.history.resize(static_cast<std::size_t>(length));
  const auto pages = static_cast<std::size_t>((length + page_positions_ - 1) / page_positions_);
  while (s.pages.size() > pages) {
    pool_.release(s.pages.back());
    s.pages.pop_back();
    s.page_data.pop_back();
  }
}

void Sequences::close(lm::SequenceId id) {
  truncate(id, 0);
  sequences_[static_cast<std::size_t>(id)].reset();
}

bool Sequences::must_copy_last_page(const SequenceState& s) const {
  return std::ssize(s.history) % page_positions_ != 0 && pool_.shared(s.pages.back());
}

std::int64_t Sequences::pages_to_append(lm::SequenceId id, std::int64_t tokens) const {
  if (tokens <= 0) return 0;
  const SequenceState& s = get(id);
  const std::int64_t pages = (std::ssize(s.history) + tokens + page_positions_ - 1) / page_positions_;
  return pages - std::ssize(s.pages) + (must_copy_last_page(s) ? 1 : 0);
}

void Sequences::make_room(SequenceState& s, std::int64_t length) {
  if (must_copy_last_page(s)) {
    const PagePool::PageId copy = pool_.allocate();
    std::memcpy(pool_.data(copy), s.page_data.back(), static_cast<std::size_t>(pool_.page_bytes()));
    pool_.release(s.pages.back());
    s.pages.back() = copy;
    s.page_data.back() = pool_.data(copy);
  }
  while (static_cast<std::int64_t>(s.pages.size()) * page_positions_ < length) {
    s.pages.reserve(s.pages.size() + 1);
    s.page_data.reserve(s.page_data.size() + 1);
    s.pages.push_back(pool_.allocate());
    s.page_data.push_back(pool_.data(s.pages.back()));
  }
}

void Sequences::append(lm::SequenceId id, std::span<const TokenId> ids) {
  SequenceState& s = state(id);
  const auto before = static_cast<std::int64_t>(s.history.size());
  try {
    make_room(s, before + static_cast<std::int64_t>(ids.size()));
    s.history.insert(s.history.end(), ids.begin(), ids.end());
  } catch (...) {
    truncate(id, before);
    throw;
  }
}

}  // namespace nestor::model
