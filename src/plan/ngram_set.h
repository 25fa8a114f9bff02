// Distinct n-grams, counted exactly in bounded memory: a set that keeps one range of hashes at a time. Where
// the set would outgrow its bytes, the range shrinks; the next pass over the corpus takes up what follows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace nestor::plan {

/// An n-gram as a number: the sum of id V^k over the distances k, before the modulus of a table.
__extension__ using NgramKey = unsigned __int128;

class NgramSet {
 public:
  /// Keeps at most `bytes` of memory (at least some hundred bytes).
  explicit NgramSet(std::uint64_t bytes);

  /// Empties the set for a pass over hashes from `first` on.
  void begin(std::uint64_t first);
  /// Takes a key, below 2^127, whose hash is in the range; ignores others.
  void insert(NgramKey key);

  std::size_t size() const { return size_; }
  /// The first hash of the next pass; none when this pass held all the rest.
  std::optional<std::uint64_t> next() const;

  template <typename See>
  void for_each(See&& see) const {
    for (const NgramKey place : places_) {
      if (place != 0) see(place - 1);
    }
  }

 private:
  void add(NgramKey key, std::uint64_t hash);
  void make_room();
  void rebuild(std::size_t places);

  std::size_t most_places_;
  std::vector<NgramKey> places_;  // key + 1; 0 is free
  std::size_t size_ = 0;
  std::uint64_t first_ = 0, last_ = 0;  // hashes kept
  std::uint64_t width_ = UINT64_MAX;    // last - first of a pass that fit
};

}  // namespace nestor::plan
