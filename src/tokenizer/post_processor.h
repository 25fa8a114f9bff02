// The template of a post-processor for a single text: which ids stand before, between and after the text's
// own.
#pragma once

#include <span>
#include <variant>
#include <vector>

#include "base/token_id.h"

namespace nestor::tokenizer {

/// The ids of the text.
struct TextPiece {};

/// Fixed ids.
using IdsPiece = std::vector<TokenId>;

using TemplatePiece = std::variant<TextPiece, IdsPiece>;

class PostProcessor {
 public:
  /// Leaves ids as they are.
  PostProcessor() : pieces_{TextPiece{}} {}
  explicit PostProcessor(std::vector<TemplatePiece> pieces) : pieces_(std::move(pieces)) {}

  std::vector<TokenId> apply(std::span<const TokenId> text) const;

  const std::vector<TemplatePiece>& pieces() const { return pieces_; }

 private:
  std::vector<TemplatePiece> pieces_;
};

}  // namespace nestor::tokenizer
