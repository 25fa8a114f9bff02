// A set of rows, one bit for each.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace nestor::train {

class RowSet {
 public:
  explicit RowSet(std::int64_t rows) : words_((static_cast<std::size_t>(rows) + 63) / 64) {}

  /// Several threads may add at once.
  void add(std::span<const std::int64_t> rows) {
    constexpr std::size_t kAhead = 16;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i + kAhead < rows.size())
        __builtin_prefetch(&words_[static_cast<std::size_t>(rows[i + kAhead]) / 64], 1);
      std::atomic_ref<std::uint64_t> word(words_[static_cast<std::size_t>(rows[i]) / 64]);
      const std::uint64_t bit = std::uint64_t{1} << (static_cast<std::uint64_t>(rows[i]) % 64);
      if ((word.load(std::memory_order_relaxed) & bit) == 0) word.fetch_or(bit, std::memory_order_relaxed);
    }
  }

  std::int64_t size() const {
    std::int64_t n = 0;
    for (const std::uint64_t word : words_) n += std::popcount(word);
    return n;
  }

  /// Ascending.
  std::vector<std::int64_t> rows() const {
    std::vector<std::int64_t> all;
    all.reserve(static_cast<std::size_t>(size()));
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t word = words_[i]; word != 0; word &= word - 1) {
        all.push_back(static_cast<std::int64_t>(i) * 64 + std::countr_zero(word));
      }
    }
    return all;
  }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace nestor::train
