// Random numbers of one test case: which case it was is one number, its key.
#pragma once

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "base/token_id.h"

namespace nestor::schedule {

class Dice {
 public:
  explicit Dice(std::uint64_t key) : key_(key) {}

  /// Uniform from low to high, both included.
  std::int64_t roll(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(uniform(key_, n_++, 7) * static_cast<double>(high - low + 1));
  }
  bool one_in(std::int64_t n) { return roll(1, n) == 1; }
  template <typename T>
  const T& pick(const std::vector<T>& list) {
    return list[static_cast<std::size_t>(roll(0, std::ssize(list) - 1))];
  }
  std::vector<TokenId> tokens(std::int64_t count, std::int64_t vocab_size) {
    std::vector<TokenId> ids;
    while (std::ssize(ids) < count) ids.push_back(static_cast<TokenId>(roll(0, vocab_size - 1)));
    return ids;
  }

 private:
  std::uint64_t key_;
  std::uint64_t n_ = 0;
};

}  // namespace nestor::schedule
