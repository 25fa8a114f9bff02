// The tokens that begin inside one leaf of a grammar, whatever lies around it: what makes masks fast. Most
// tokens stay inside the leaf and are decided once; those in which it can end are left to be followed from
// there.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "grammar/terms.h"
#include "grammar/vocabulary.h"

namespace nestor::grammar {

struct LeafMask {
  std::uint64_t number = 0;         // no other mask has it
  std::uint64_t work = 0;           // nodes of the vocabulary that were walked
  std::vector<TokenId> few;         // the tokens that stay inside the leaf or end with it
  std::vector<std::uint64_t> many;  // or all of them as bits
  std::vector<std::uint32_t>
      beyond;  // nodes of the vocabulary where the leaf can have ended and a token goes on

  void add_to(std::span<std::uint64_t> mask) const;
};

/// Masks of the leaves of one grammar over one vocabulary, computed when they are first asked for.
/// Thread-safe.
class LeafMasks {
 public:
  LeafMasks(const Terms& terms, const Vocabulary& vocabulary) : terms_(terms), vocabulary_(vocabulary) {}

  std::shared_ptr<const LeafMask> of(std::uint32_t automaton, Place place);

 private:
  /// Beyond this many bytes, all that was kept is let go.
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

  LeafMask compute(const Automaton& automaton, Place place) const;

  const Terms& terms_;
  const Vocabulary& vocabulary_;
  std::mutex mutex_;  // guards what follows
  std::uint64_t computed_ = 0;
  std::map<std::pair<std::uint32_t, Place>, std::shared_ptr<const LeafMask>> known_;
  std::size_t bytes_ = 0;
};

}  // namespace nestor::grammar
