#include "tokenizer/post_processor.h"

namespace nestor::tokenizer {

std::vector<TokenId> PostProcessor::apply(std::span<const TokenId> text) const {
  std::vector<TokenId> out;
  for (const TemplatePiece& piece : pieces_) {
    const IdsPiece* fixed = std::get_if<IdsPiece>(&piece);
    const std::span<const TokenId> ids = fixed != nullptr ? std::span<const TokenId>(*fixed) : text;
    out.insert(out.end(), ids.begin(), ids.end());
  }
  return out;
}

}  // namespace nestor::tokenizer
