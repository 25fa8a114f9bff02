// Text <-> token ids, as a Hugging Face tokenizer.json says: byte-level BPE with its normalizers,
// pre-tokenizers, added tokens and template. The reference is Hugging Face tokenizers 0.22.2; ids and decoded
// texts are the same.
//
// What it is not: other models (Unigram, WordPiece), byte fallback, dropout, pairs of texts, offsets,
// truncation, padding. A file that asks for something else than what is done here does not load.
//
// Threads: a loaded Tokenizer is const; any number of threads may use it at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/token_id.h"
#include "tokenizer/control_tokens.h"
#include "tokenizer/post_processor.h"

namespace nestor::tokenizer {

/// What decoding does with tokens that are `special: true`.
enum class ControlText { keep, skip };

class Tokenizer {
 public:
  /// A file may have 256 MiB, and a text to encode 1 GiB.
  static constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} << 20;
  static constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;

  /// Reads a tokenizer.json. Throws Error: not_found, io, limit (file too large), bad_input (malformed, or it
  /// contradicts itself), unsupported (the message names the component, option or key).
  static Tokenizer load(const std::filesystem::path& path);
  /// The same from memory; `what` names the text in messages.
  static Tokenizer parse(std::string_view json, std::string_view what);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Settings of the file that have no effect here, one sentence each, for whoever talks to people.
  const std::vector<std::string>& notes() const;

  /// The ids of a text. Throws Error: bad_input if the text is not valid UTF-8 (the message has the byte
  /// offset) or needs an unknown token that the vocabulary lacks; usage if a span of `control` reaches beyond
  /// the text; limit if the text is too large, or if a pattern of the file backtracks too much on it (a
  /// single match of more than about 16 million characters does, too). Stops where there are more than `most`
  /// ids: more than that tell that the text has too many, not how many.
  std::vector<TokenId> encode(std::string_view utf8, PostProcess post_process, const ControlTokens& control,
                              std::size_t most = SIZE_MAX) const;

  /// The ids that a text of so many bytes has at least, whatever it says: what cannot fit need not be
  /// encoded.
  std::size_t least_ids(std::size_t bytes) const;

  /// The text of ids, always valid UTF-8: one U+FFFD for each maximal ill-formed part. Ids without a token
  /// add nothing.
  std::string decode(std::span<const TokenId> ids, ControlText control) const;

  /// The id of a token by its content as in the file (in the byte alphabet, where the file uses it), or
  /// nothing.
  std::optional<TokenId> id_of(std::string_view content) const;
  /// The content of a token, or nothing. Valid as long as the tokenizer.
  std::optional<std::string_view> content_of(TokenId id) const;
  /// The bytes that a token adds to a text; parts of a character are possible. Empty if there is no such
  /// token. Valid as long as the tokenizer.
  std::string_view bytes_of(TokenId id) const;
  /// True for a token that is `special: true`.
  bool is_special(TokenId id) const;

  /// The number of tokens, added ones included. Ids may have holes, so it can be less than max_id() + 1.
  std::int64_t vocab_size() const;
  /// The largest id, or -1 when there are no tokens.
  TokenId max_id() const;

 private:
  struct Parts;
  class Encoding;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

}  // namespace nestor::tokenizer
