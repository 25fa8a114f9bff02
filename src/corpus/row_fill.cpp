#include "corpus/row_fill.h"

#include <algorithm>

namespace nestor::corpus {

RowFill::RowFill(Batch& batch, std::int64_t row) : batch_(batch), begin_(row * batch.window) {}

Batch RowFill::prepare(std::int64_t rows, std::int64_t window) {
  Batch batch;
  batch.rows = rows;
  batch.window = window;
  const auto size = static_cast<std::size_t>(rows * window);
  batch.ids.assign(size, 0);
  batch.targets.assign(size, -1);
  batch.second_targets.assign(size, -1);
  batch.segments.assign(size, 0);
  batch.positions.assign(size, 0);
  return batch;
}

void RowFill::begin_segment(std::int64_t count) {
  ++segment_;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto here = static_cast<std::size_t>(begin_ + at_ + i);
    batch_.segments[here] = segment_;
    batch_.positions[here] = static_cast<std::int32_t>(i);
  }
}

void RowFill::append(const Shards& shards, std::int64_t first, std::int64_t count, std::int64_t end) {
  begin_segment(count);
  // Two further tokens, for the targets of the last ones.
  std::vector<TokenId> tokens(static_cast<std::size_t>(std::min(count + 2, end - first)));
  shards.read(first, tokens);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const std::size_t here = static_cast<std::size_t>(begin_ + at_) + i;
    batch_.ids[here] = tokens[i];
    if (i + 1 < tokens.size()) batch_.targets[here] = tokens[i + 1];
    if (i + 2 < tokens.size()) batch_.second_targets[here] = tokens[i + 2];
  }
  at_ += count;
}

void RowFill::append_unscored(const Shards& shards, std::int64_t first, std::int64_t count) {
  begin_segment(count);
  const auto here = static_cast<std::size_t>(begin_ + at_);
  shards.read(first, std::span(batch_.ids).subspan(here, static_cast<std::size_t>(count)));
  at_ += count;
}

}  // namespace nestor::corpus
