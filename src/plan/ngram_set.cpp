#include "plan/ngram_set.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace nestor::plan {
namespace {

constexpr std::size_t kFirstPlaces = 16;
// A place takes 16 bytes, and a rebuild keeps up to 6 more for it.
constexpr std::size_t kBytesPerPlace = 22;

// Two rounds of the finalizer of MurmurHash3, one for each half.
std::uint64_t hash_of(NgramKey key) {
  const auto mixed = [](std::uint64_t x) {
    x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDull;
    x = (x ^ (x >> 33)) * 0xC4CEB9FE1A85EC53ull;
    return x ^ (x >> 33);
  };
  return mixed(static_cast<std::uint64_t>(key) + 0x9E3779B97F4A7C15ull +
               mixed(static_cast<std::uint64_t>(key >> 64)));
}

// The low bits decide: the high ones are alike in a narrow range.
std::size_t home_of(std::uint64_t hash, std::size_t places) {
  return static_cast<std::size_t>((NgramKey{std::rotl(hash, 32)} * places) >> 64);
}

}  // namespace

NgramSet::NgramSet(std::uint64_t bytes)
    : most_places_(std::max<std::size_t>(bytes / kBytesPerPlace, kFirstPlaces)), places_(kFirstPlaces) {}

void NgramSet::begin(std::uint64_t first) {
  std::fill(places_.begin(), places_.end(), NgramKey{0});
  size_ = 0;
  first_ = first;
  if (first == 0) width_ = UINT64_MAX;
  last_ = width_ > UINT64_MAX - first ? UINT64_MAX : first + width_;
}

void NgramSet::insert(NgramKey key) {
  const std::uint64_t hash = hash_of(key);
  if (hash < first_ || hash > last_) return;
  add(key, hash);
  while (4 * size_ > 3 * places_.size()) make_room();
}

void NgramSet::add(NgramKey key, std::uint64_t hash) {
  std::size_t at = home_of(hash, places_.size());
  while (places_[at] != 0 && places_[at] != key + 1) at = at + 1 == places_.size() ? 0 : at + 1;
  if (places_[at] != 0) return;
  places_[at] = key + 1;
  ++size_;
}

void NgramSet::make_room() {
  const bool grown = places_.size() == most_places_;
  if (grown) {
    if (first_ == last_) fail(ErrorKind::limit, "too many n-grams have the same hash");
    width_ = (last_ - first_) / 2;
    last_ = first_ + width_;
  }
  rebuild(grown ? most_places_ : std::min(2 * places_.size(), most_places_));
}

void NgramSet::rebuild(std::size_t places) {
  std::vector<NgramKey> kept;
  kept.reserve(size_);
  for_each([&](NgramKey key) {
    if (hash_of(key) <= last_) kept.push_back(key);
  });
  places_ = {};  // first gives back what it holds
  places_.resize(places);
  size_ = 0;
  for (const NgramKey key : kept) add(key, hash_of(key));
}

std::optional<std::uint64_t> NgramSet::next() const {
  if (last_ == UINT64_MAX) return std::nullopt;
  return last_ + 1;
}

}  // namespace nestor::plan
