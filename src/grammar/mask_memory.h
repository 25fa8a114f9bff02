// What is kept of masks, of all grammars over one vocabulary together, in bounded memory.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>

namespace nestor::grammar {

class LeafMasks;

/// Beyond its limit, the masks of the grammars that were used longest ago are let go. No grammar keeps more
/// than half of it. Thread-safe.
class MaskMemory {
 public:
  /// Some thousands of masks of a vocabulary of 131,072 tokens; people's schemas use dozens.
  static constexpr std::size_t kMostBytes = std::size_t{128} << 20;

  explicit MaskMemory(std::size_t most = kMostBytes) : most_(most) {}

  std::size_t bytes() const {
    const std::lock_guard lock(mutex_);
    return bytes_;
  }

 private:
  friend class LeafMasks;

  const std::size_t most_;
  mutable std::mutex mutex_;    // guards what follows, and what all LeafMasks keep
  std::list<LeafMasks*> used_;  // the last one first
  std::size_t bytes_ = 0;
};

}  // namespace nestor::grammar
