#include "corpus/text_hash_set.h"

#include <utility>

namespace nestor::corpus {
namespace {

constexpr std::size_t kFirstPlaces = 1024;

// The place of a hash, or the free one where it belongs.
std::size_t place_of(const std::vector<TextHash>& places, const TextHash& hash) {
  const std::size_t mask = places.size() - 1;
  std::size_t at = hash.low & mask;
  while (places[at] != TextHash{} && places[at] != hash) at = (at + 1) & mask;
  return at;
}

}  // namespace

bool TextHashSet::insert(const TextHash& hash) {
  if (hash == TextHash{}) {
    size_ += has_zero_ ? 0 : 1;
    return !std::exchange(has_zero_, true);
  }
  if (2 * (size_ + 1) > places_.size()) grow();
  TextHash& place = places_[place_of(places_, hash)];
  if (place == hash) return false;
  place = hash;
  ++size_;
  return true;
}

void TextHashSet::grow() {
  std::vector<TextHash> larger(places_.empty() ? kFirstPlaces : 2 * places_.size());
  for (const TextHash& hash : places_) {
    if (hash != TextHash{}) larger[place_of(larger, hash)] = hash;
  }
  places_ = std::move(larger);
}

}  // namespace nestor::corpus
