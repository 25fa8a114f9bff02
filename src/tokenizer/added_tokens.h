// Added tokens: found in the text before anything else is done to it. Two passes: tokens with `normalized:
// false` in the text as it is; then each part between them is normalized and searched for the tokens with
// `normalized: true`, whose contents are normalized too. Matches are leftmost, and longest among those that
// begin at the same place.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/token_id.h"
#include "tokenizer/control_tokens.h"
#include "tokenizer/normalizer.h"

namespace nestor::tokenizer {

/// As in tokenizer.json.
struct AddedToken {
  TokenId id;
  std::string content;
  bool single_word;  // refused beside a word character
  bool lstrip;       // takes the white space before it
  bool rstrip;       // takes the white space after it
  bool normalized;   // looked for in normalized text
  bool special;      // governed by ControlTokens, left out by ControlText::skip

  bool operator==(const AddedToken&) const = default;
};

/// Takes the parts of a text in order.
class AddedTokenSink {
 public:
  AddedTokenSink() = default;
  AddedTokenSink(const AddedTokenSink&) = delete;
  AddedTokenSink& operator=(const AddedTokenSink&) = delete;
  virtual ~AddedTokenSink() = default;
  /// Normalized text between tokens, not empty; valid during the call.
  virtual void take_text(std::string_view text) = 0;
  virtual void take_token(TokenId id) = 0;
};

/// Const and thread-safe.
class AddedTokens {
 public:
  /// Throws Error(bad_input) if a content is empty, also after normalization.
  AddedTokens(std::vector<AddedToken> tokens, Normalizer normalizer, std::string_view what);
  // The trees point to the tokens.
  AddedTokens(const AddedTokens&) = delete;
  AddedTokens& operator=(const AddedTokens&) = delete;

  /// Takes a text of valid UTF-8 apart.
  void extract(std::string_view text, const ControlTokens& control, RegexScratch& scratch,
               AddedTokenSink& sink) const;

 private:
  // Contents as a tree of bytes.
  class Tree {
   public:
    Tree();
    /// Keeps what is there if the content is there already.
    void insert(std::string_view content, const AddedToken* token);
    bool empty() const { return nodes_.size() == 1; }
    /// The longest content at `at` whose token accept(token, end) admits.
    template <typename Accept>
    const AddedToken* longest(std::string_view text, std::size_t at, std::size_t& end,
                              const Accept& accept) const;
    bool can_begin(char byte) const { return begins_[static_cast<unsigned char>(byte)]; }

   private:
    struct Node {
      unsigned char byte = 0;
      std::uint32_t first_child = 0;   // 0: none
      std::uint32_t next_sibling = 0;  // 0: none
      const AddedToken* token = nullptr;
    };
    std::uint32_t child_of(std::uint32_t node, unsigned char byte) const;
    std::vector<Node> nodes_;
    std::array<bool, 256> begins_{};
  };

  template <typename PlaceOf, typename TakeText, typename TakeToken>
  static void find_in(std::string_view text, const Tree& tree, const PlaceOf& place_of,
                      const TakeText& take_text, const TakeToken& take_token);
  void extract_normalized(std::string_view part, std::size_t offset, const ControlTokens& control,
                          RegexScratch& scratch, AddedTokenSink& sink) const;

  std::vector<AddedToken> tokens_;
  Normalizer normalizer_;
  Tree raw_;
  Tree normalized_;
  bool special_in_normalized_ = false;
};

}  // namespace nestor::tokenizer
