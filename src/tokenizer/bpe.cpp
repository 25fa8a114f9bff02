#include "tokenizer/bpe.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"

namespace nestor::tokenizer {
namespace {

constexpr TokenId kNoSymbol = -1;
// Up to here looking for the lowest rank by scanning beats a heap.
constexpr std::size_t kShortPiece = 64;
constexpr std::uint32_t kNoPosition = ~std::uint32_t{0};

bool is_one_character(std::string_view text) {
  return !text.empty() && decode_utf8(text, 0).length == text.size();
}

}  // namespace

Bpe::Bpe(const BpeModel& model, PieceForm form)
    : form_(form),
      merges_(model.merges),
      unknown_token_(model.unknown_token),
      unknown_runs_(model.unknown_runs) {
  byte_symbols_.fill(kNoSymbol);
  for (const ModelToken& token : model.tokens) {
    if (token.content == unknown_token_) unknown_id_ = token.id;
    if (form == PieceForm::characters) {
      if (is_one_character(token.content)) character_symbols_.emplace(token.content, token.id);
      if (model.whole_pieces == WholePieces::looked_up) whole_pieces_.emplace(token.content, token.id);
      continue;
    }
    // A token with a character outside the alphabet equals no piece of bytes.
    const auto bytes = from_byte_alphabet(token.content);
    if (!bytes) continue;
    if (bytes->size() == 1) byte_symbols_[static_cast<unsigned char>(bytes->front())] = token.id;
    if (model.whole_pieces == WholePieces::looked_up) whole_pieces_.emplace(*bytes, token.id);
  }
}

bool Bpe::keeps_all() const {
  const bool all_known =
      form_ == PieceForm::bytes && std::ranges::find(byte_symbols_, kNoSymbol) == byte_symbols_.end();
  return all_known || (unknown_token_ && unknown_runs_ == UnknownRuns::separate);
}

TokenId Bpe::unknown() const {
  if (!unknown_id_) {
    fail(ErrorKind::bad_input, "the text needs the unknown token {}, which is not in the vocabulary",
         in_quotes(*unknown_token_));
  }
  return *unknown_id_;
}

TokenId Bpe::symbol_of(std::string_view character) const {
  const auto at = character_symbols_.find(std::string(character));
  return at == character_symbols_.end() ? kNoSymbol : at->second;
}

void Bpe::read_symbols(std::string_view piece, std::vector<TokenId>& ids) const {
  ids.clear();
  enum class Last { known, unknown } last = Last::known;
  for (std::size_t i = 0; i < piece.size();) {
    const std::size_t length = form_ == PieceForm::bytes ? 1 : decode_utf8(piece, i).length;
    const TokenId id = form_ == PieceForm::bytes ? byte_symbols_[static_cast<unsigned char>(piece[i])]
                                                 : symbol_of(piece.substr(i, length));
    i += length;
    if (id != kNoSymbol) {
      ids.push_back(id);
      last = Last::known;
    } else if (unknown_token_) {
      if (last == Last::known || unknown_runs_ == UnknownRuns::separate) ids.push_back(unknown());
      last = Last::unknown;
    }
  }
}

void Bpe::merge_short(std::vector<TokenId>& ids) const {
  std::array<MergeTable::Merge, kShortPiece> merges;  // merges[i]: of ids[i] and ids[i + 1]
  std::size_t n = ids.size();
  for (std::size_t i = 0; i + 1 < n; ++i) merges[i] = merges_.find(ids[i], ids[i + 1]);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (merges[best].rank == MergeTable::kNoRank) break;
    ids[best] = merges[best].merged;
    for (std::size_t i = best + 1; i + 1 < n; ++i) {
      ids[i] = ids[i + 1];
      merges[i - 1] = merges[i];
    }
    --n;
    // The merges moved down by one; those beside the new token are new.
    if (best > 0) merges[best - 1] = merges_.find(ids[best - 1], ids[best]);
    if (best + 1 < n) merges[best] = merges_.find(ids[best], ids[best + 1]);
  }
  ids.resize(n);
}

void Bpe::merge_long(Scratch& scratch) const {
  std::vector<Scratch::Symbol>& symbols = scratch.symbols;
  std::vector<std::uint64_t>& queue = scratch.queue;  // rank << 32 | position of the left symbol
  const auto count = static_cast<std::uint32_t>(scratch.ids.size());
  symbols.resize(count);
  queue.clear();
  const auto candidate = [&](std::uint32_t left) {
    const std::uint32_t right = symbols[left].next;
    return right == kNoPosition ? MergeTable::Merge{MergeTable::kNoRank, 0}
                                : merges_.find(symbols[left].id, symbols[right].id);
  };
  const auto entry = [](std::uint32_t rank, std::uint32_t at) { return std::uint64_t{rank} << 32 | at; };
  for (std::uint32_t i = 0; i < count; ++i) {
    symbols[i] = {scratch.ids[i], i == 0 ? kNoPosition : i - 1, i + 1 == count ? kNoPosition : i + 1};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (const auto merge = candidate(i); merge.rank != MergeTable::kNoRank)
      queue.push_back(entry(merge.rank, i));
  }
  std::make_heap(queue.begin(), queue.end(), std::greater<>());
  const auto push = [&](std::uint32_t left) {
    const auto merge = candidate(left);
    if (merge.rank == MergeTable::kNoRank) return;
    queue.push_back(entry(merge.rank, left));
    std::push_heap(queue.begin(), queue.end(), std::greater<>());
  };
  while (!queue.empty()) {
    std::pop_heap(queue.begin(), queue.end(), std::greater<>());
    const std::uint64_t top = queue.back();
    queue.pop_back();
    const auto left = static_cast<std::uint32_t>(top);
    if (symbols[left].id == kNoSymbol) continue;  // merged into its left neighbour meanwhile
    const auto merge = candidate(left);
    if (merge.rank != top >> 32) continue;  // a neighbour changed meanwhile
    const std::uint32_t right = symbols[left].next;
    symbols[left].id = merge.merged;
    symbols[left].next = symbols[right].next;
    symbols[right].id = kNoSymbol;
    if (symbols[left].next != kNoPosition) symbols[symbols[left].next].previous = left;
    if (symbols[left].previous != kNoPosition) push(symbols[left].previous);
    push(left);
  }
  scratch.ids.clear();
  for (std::uint32_t i = 0; i != kNoPosition; i = symbols[i].next) scratch.ids.push_back(symbols[i].id);
}

void Bpe::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  if (!whole_pieces_.empty()) {
    if (const auto whole = whole_pieces_.find(std::string(piece)); whole != whole_pieces_.end()) {
      out.push_back(whole->second);
      return;
    }
  }
  read_symbols(piece, scratch.ids);
  if (scratch.ids.size() <= kShortPiece) {
    merge_short(scratch.ids);
  } else {
    merge_long(scratch);
  }
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

}  // namespace nestor::tokenizer
