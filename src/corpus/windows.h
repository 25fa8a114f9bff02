// How a long sequence is cut for evaluation: windows that are fed from an empty history, each token scored
// once.
#pragma once

#include <cstdint>
#include <vector>

namespace nestor::corpus {

/// Feeds ids [first, first + length) from position 0; the prediction after place p of the window (p counted
/// from 0) is scored on ids[first + p + 1], for p from `scored_from` to length - 1.
struct EvalWindow {
  std::int64_t first = 0;
  std::int64_t length = 0;
  std::int64_t scored_from = 0;

  std::int64_t scored() const { return length - scored_from; }
  bool operator==(const EvalWindow&) const = default;
};

/// Windows of at most `window` tokens, each `stride` tokens further than the one before, over a sequence of
/// `tokens` ids. Every id but the first is scored once; with stride < window, each but the first ones of the
/// sequence after at least window - stride ids of context. Throws Error(usage) unless 1 <= stride <= window
/// and tokens >= 0.
std::vector<EvalWindow> eval_windows(std::int64_t tokens, std::int64_t window, std::int64_t stride);

}  // namespace nestor::corpus
