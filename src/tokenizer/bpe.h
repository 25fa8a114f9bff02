// Byte-pair encoding of one piece: the symbols of the piece, then the merge of lowest rank (leftmost among
// equals), again and again until no pair merges.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token_id.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/pre_tokenizer.h"

namespace nestor::tokenizer {

struct ModelToken {
  std::string content;
  TokenId id;
};

/// Runs of symbols that the vocabulary lacks: one unknown token for each, or one for the run.
enum class UnknownRuns { separate, fused };

/// A piece that is itself in the vocabulary: still merged from its symbols, or taken as it is
/// (`ignore_merges`).
enum class WholePieces { merged, looked_up };

struct BpeModel {
  std::vector<ModelToken> tokens;
  std::vector<MergeRule> merges;
  /// Without one, symbols that the vocabulary lacks vanish.
  std::optional<std::string> unknown_token;
  UnknownRuns unknown_runs = UnknownRuns::separate;
  WholePieces whole_pieces = WholePieces::merged;
};

/// Const and thread-safe.
class Bpe {
 public:
  /// `form` says what the pieces will hold.
  Bpe(const BpeModel& model, PieceForm form);

  /// What one piece at a time needs; reused from piece to piece.
  struct Scratch {
    struct Symbol {
      TokenId id;
      std::uint32_t previous;
      std::uint32_t next;
    };
    std::vector<TokenId> ids;
    std::vector<Symbol> symbols;
    std::vector<std::uint64_t> queue;
  };

  /// Appends the ids of a piece that is not empty. Time n log n in its length. Throws Error(bad_input) if an
  /// unknown token is needed and the vocabulary lacks it too.
  void encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const;

  /// True if every character of a piece is part of a token: none vanishes, and no run of them becomes one
  /// unknown token.
  bool keeps_all() const;

 private:
  TokenId symbol_of(std::string_view character) const;
  TokenId unknown() const;
  void read_symbols(std::string_view piece, std::vector<TokenId>& ids) const;
  void merge_short(std::vector<TokenId>& ids) const;
  void merge_long(Scratch& scratch) const;

  PieceForm form_;
  std::array<TokenId, 256> byte_symbols_;
  std::unordered_map<std::string, TokenId> character_symbols_;
  std::unordered_map<std::string, TokenId> whole_pieces_;  // in the form of the pieces
  MergeTable merges_;
  std::optional<std::string> unknown_token_;
  std::optional<TokenId> unknown_id_;
  UnknownRuns unknown_runs_;
};

}  // namespace nestor::tokenizer
