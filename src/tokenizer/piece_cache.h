// The ids of pieces met before, within one call of encode. Words repeat: in prose nine pieces of ten are
// found here. Each slot is one cache line; a piece or a list of ids that does not fit in one is not kept, and
// a newer piece drives out the older one of its slot, so the size is fixed.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/token_id.h"

namespace nestor::tokenizer {

class PieceCache {
 public:
  static constexpr std::size_t kMaxPieceBytes = 23;
  static constexpr std::size_t kMaxIds = 9;

  /// For a text of that many bytes.
  explicit PieceCache(std::size_t text_bytes);

  /// A piece in the form of a key. Requires 0 < piece.size() <= kMaxPieceBytes.
  struct Key {
    explicit Key(std::string_view piece);
    bool operator==(const Key&) const = default;
    std::array<std::uint64_t, 3> words;  // the bytes, zeros, and in the last byte the length
  };

  /// The ids of the piece, or an empty span if it is not here. Valid until the next put().
  std::span<const TokenId> find(const Key& key) const {
    const Slot& slot = slots_[slot_of(key)];
    return slot.key == key.words ? std::span(slot.ids.data(), slot.count) : std::span<const TokenId>();
  }

  /// Keeps the ids of the piece if there are 1 to kMaxIds of them.
  void put(const Key& key, std::span<const TokenId> ids);

 private:
  struct alignas(64) Slot {
    std::array<std::uint64_t, 3> key{};
    std::array<TokenId, kMaxIds> ids{};
    std::uint32_t count = 0;
  };

  std::size_t slot_of(const Key& key) const {
    std::uint64_t h = key.words[0] * 0x9E3779B97F4A7C15U;
    h = (h ^ (h >> 32) ^ key.words[1]) * 0xD6E8FEB86659FD93U;
    h = (h ^ (h >> 32) ^ key.words[2]) * 0x9E3779B97F4A7C15U;
    return static_cast<std::size_t>(h >> 32) & mask_;
  }

  std::vector<Slot> slots_;
  std::size_t mask_;
};

}  // namespace nestor::tokenizer
