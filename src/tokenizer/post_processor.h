// The template of a post-processor for a single text: which ids stand before, between and after the text's
// own.
#pragma once

#include <span>
#include <variant>
#include <vector>

#include "base/token_id.h"

namespace nestor::tokenizer {

/// Whether encode() lets the post-processor add its tokens (say, the beginning of a text).
enum class PostProcess { add, omit };

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

  /// With PostProcess::omit the fixed ids are left out, but the text still stands where, and as often as, the
  /// template says.
  std::vector<TokenId> apply(std::span<const TokenId> text, PostProcess post_process) const;

  bool changes_nothing() const {
    return pieces_.size() == 1 && std::holds_alternative<TextPiece>(pieces_[0]);
  }

  const std::vector<TemplatePiece>& pieces() const { return pieces_; }

 private:
  std::vector<TemplatePiece> pieces_;
};

}  // namespace nestor::tokenizer
