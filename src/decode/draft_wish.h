// What a request wants drafted with.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nestor::decode {

enum class DraftKind {
  lookup,  // copies what followed the last tokens before
  block,   // the model's own draft block (MTP)
};
inline constexpr std::size_t kDraftKinds = 2;

/// The name that users give it: "lookup", "mtp", "model".
std::string_view name_of(DraftKind kind);

/// Drafts at a time.
inline constexpr std::int64_t kMostDrafts = 8;

struct DraftWish {
  /// The first that has something to say drafts. Empty: nobody does.
  std::vector<DraftKind> kinds = {};
  /// Nobody drafts where it does not pay.
  bool only_if_it_pays = true;
  std::optional<std::int64_t> tokens = {};  // at a time; chosen at run time if nothing stands here
};

/// "off", "auto", or the names of drafters with commas between them. Error(usage) for another text.
DraftWish parse_draft_wish(std::string_view text);

/// The names of its drafters with commas, or "off".
std::string to_text(const DraftWish& wish);

}  // namespace nestor::decode
