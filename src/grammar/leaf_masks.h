// The tokens that begin inside one leaf of a grammar, whatever lies around it: what makes masks fast. Most
// tokens stay inside the leaf and are decided once; those in which it can end are left to be followed from
// there.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "grammar/mask_memory.h"
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

/// Masks of the leaves of one grammar over one vocabulary, computed when they are first asked for and kept as
/// long as the vocabulary's MaskMemory has room. Thread-safe.
class LeafMasks {
 public:
  LeafMasks(const Terms& terms, const Vocabulary& vocabulary);
  ~LeafMasks();
  LeafMasks(const LeafMasks&) = delete;
  LeafMasks& operator=(const LeafMasks&) = delete;

  std::shared_ptr<const LeafMask> of(std::uint32_t automaton, Place place);

 private:
  LeafMask compute(const Automaton& automaton, Place place) const;
  void make_room(std::size_t bytes);
  void forget();

  const Terms& terms_;
  const Vocabulary& vocabulary_;
  const std::shared_ptr<MaskMemory> memory_;  // whose mutex guards what follows
  std::list<LeafMasks*>::iterator use_;
  std::uint64_t computed_ = 0;
  std::map<std::pair<std::uint32_t, Place>, std::shared_ptr<const LeafMask>> known_;
  std::size_t bytes_ = 0;
};

}  // namespace nestor::grammar
