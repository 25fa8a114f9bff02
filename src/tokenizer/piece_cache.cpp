#include "tokenizer/piece_cache.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace nestor::tokenizer {
namespace {

// 8192 slots are 512 KiB, which a core's second-level cache holds; a short text gets no more than it can
// fill.
constexpr std::size_t kMaxSlots = 8192;
constexpr std::size_t kBytesForASlot = 16;

}  // namespace

PieceCache::PieceCache(std::size_t text_bytes)
    : slots_(std::clamp<std::size_t>(std::bit_ceil(text_bytes / kBytesForASlot + 1), 8, kMaxSlots)),
      mask_(slots_.size() - 1) {}

PieceCache::Key::Key(std::string_view piece) {
  std::array<char, 24> bytes{};
  std::memcpy(bytes.data(), piece.data(), piece.size());
  bytes[kMaxPieceBytes] = static_cast<char>(piece.size());
  std::memcpy(words.data(), bytes.data(), bytes.size());
}

void PieceCache::put(const Key& key, std::span<const TokenId> ids) {
  if (ids.empty() || ids.size() > kMaxIds) return;
  Slot& slot = slots_[slot_of(key)];
  slot.key = key.words;
  slot.count = static_cast<std::uint32_t>(ids.size());
  std::copy(ids.begin(), ids.end(), slot.ids.begin());
}

}  // namespace nestor::tokenizer
