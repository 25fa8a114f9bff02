// The vocabulary as a grammar sees it: the bytes of every ordinary token, as a tree, and which tokens end a
// text.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token_id.h"
#include "grammar/mask_memory.h"
#include "tokenizer/tokenizer.h"

namespace nestor::grammar {

/// Built once per tokenizer and shared: const, any number of threads may use it.
class Vocabulary {
 public:
  /// `stop_ids` are the tokens that end a text. Special tokens and tokens without bytes are none of the
  /// ordinary ones: a grammar allows a special one only where it names it. Throws Error(usage) for a negative
  /// stop id, and Error(unsupported) if a byte that UTF-8 text may need is no token of its own: some texts
  /// could not be written.
  Vocabulary(const tokenizer::Tokenizer& tokenizer, std::span<const TokenId> stop_ids);

  /// The same from (id, bytes): for tests and benchmarks. `control` has the special tokens by their text, and
  /// so many bytes of masks are kept.
  struct Entry {
    TokenId id;
    std::string bytes;
  };
  Vocabulary(std::vector<Entry> ordinary, const std::vector<Entry>& control,
             std::span<const TokenId> stop_ids, std::size_t mask_bytes = MaskMemory::kMostBytes);

  /// A node of the tree. Nodes stand in depth-first order: the first child of node i, if it has one, is i +
  /// 1, and what follows its whole subtree is node `end`. Node 0 is the root, which has no byte.
  struct Node {
    std::uint32_t end = 0;
    std::uint32_t first_token =
        0;  // tokens [first_token, first_token of the next node) have exactly these bytes
    unsigned char byte = 0;
    std::uint16_t depth = 0;  // bytes from the root
  };
  std::span<const Node> nodes() const { return {nodes_.data(), nodes_.size() - 1}; }
  /// The tokens that end at node `i`.
  std::span<const TokenId> tokens_at(std::uint32_t i) const {
    return std::span(tokens_).subspan(nodes_[i].first_token,
                                      nodes_[i + 1].first_token - nodes_[i].first_token);
  }

  /// The bytes of an ordinary token; empty for all others.
  std::string_view bytes_of(TokenId id) const;
  /// A special token by its text.
  std::optional<TokenId> control(std::string_view text) const;
  bool is_stop(TokenId id) const;
  std::span<const TokenId> stop_ids() const { return stop_ids_; }
  /// Ids are below this: what a mask has to hold.
  std::int64_t id_limit() const { return id_limit_; }
  /// The ordinary tokens with at least so many double quotes, 1 to 3.
  std::span<const TokenId> with_quotes(std::size_t least) const { return quoted_[least - 1]; }
  /// A bit for each ordinary token, as decode/constraint.h has them.
  std::span<const std::uint64_t> ordinary() const { return ordinary_; }
  /// Bytes of the longest ordinary token.
  std::size_t longest() const { return longest_; }
  const std::shared_ptr<MaskMemory>& mask_memory() const { return mask_memory_; }

 private:
  void build(std::vector<Entry> ordinary);
  void check_bytes() const;

  std::vector<Node> nodes_;  // and one more, whose first_token is the end of tokens_
  std::vector<TokenId> tokens_;
  std::vector<std::string> bytes_;  // by id
  std::vector<std::uint64_t> ordinary_;
  std::array<std::vector<TokenId>, 3> quoted_;
  std::unordered_map<std::string, TokenId> control_;
  std::vector<TokenId> stop_ids_;
  std::int64_t id_limit_ = 0;
  std::size_t longest_ = 0;
  std::shared_ptr<MaskMemory> mask_memory_;
};

}  // namespace nestor::grammar
