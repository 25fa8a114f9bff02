#include "tokenizer/post_processor.h"

namespace nestor::tokenizer {

std::vector<TokenId> PostProcessor::apply(std::span<const TokenId> text, PostProcess post_process) const {
  std::vector<TokenId> out;
  for (const TemplatePiece& piece : pieces_) {
    const IdsPiece* fixed = std::get_if<IdsPiece>(&piece);
    if (fixed == nullptr) {
      out.insert(out.end(), text.begin(), text.end());
    } else if (post_process == PostProcess::add) {
      out.insert(out.end(), fixed->begin(), fixed->end());
    }
  }
  return out;
}

}  // namespace nestor::tokenizer
