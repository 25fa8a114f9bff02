// A set of text hashes in one flat table: 16 bytes for each place, at least a quarter and at most half of
// them taken.
#pragma once

#include <cstddef>
#include <vector>

#include "corpus/text_hash.h"

namespace nestor::corpus {

class TextHashSet {
 public:
  /// True if the hash was not in the set before.
  bool insert(const TextHash& hash);
  std::size_t size() const { return size_; }

 private:
  void grow();

  std::vector<TextHash> places_;  // a power of two; the hash of the empty text (0, 0) stands for nothing
  std::size_t size_ = 0;
  bool has_zero_ = false;
};

}  // namespace nestor::corpus
