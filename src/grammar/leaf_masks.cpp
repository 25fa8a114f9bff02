#include "grammar/leaf_masks.h"

#include <utility>

namespace nestor::grammar {
namespace {

constexpr std::size_t kBytesBeside = 256;  // of a mask, with its place in the table

}  // namespace

void LeafMask::add_to(std::span<std::uint64_t> mask) const {
  for (const TokenId id : few) mask[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
  for (std::size_t i = 0; i < many.size(); ++i) mask[i] |= many[i];
}

LeafMasks::LeafMasks(const Terms& terms, const Vocabulary& vocabulary)
    : terms_(terms), vocabulary_(vocabulary), memory_(vocabulary.mask_memory()) {
  const std::lock_guard lock(memory_->mutex_);
  use_ = memory_->used_.insert(memory_->used_.begin(), this);
}

LeafMasks::~LeafMasks() {
  const std::lock_guard lock(memory_->mutex_);
  forget();
  memory_->used_.erase(use_);
}

std::shared_ptr<const LeafMask> LeafMasks::of(std::uint32_t automaton, Place place) {
  const Automaton& leaf = terms_.automata[automaton];
  place = leaf.representative(place, static_cast<std::uint32_t>(vocabulary_.longest()));
  const std::pair key(automaton, place);
  {
    const std::lock_guard lock(memory_->mutex_);
    memory_->used_.splice(memory_->used_.begin(), memory_->used_, use_);
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
  }
  auto mask = std::make_shared<LeafMask>(compute(leaf, place));
  const std::size_t bytes =
      kBytesBeside + 4 * mask->few.size() + 8 * mask->many.size() + 4 * mask->beyond.size();
  const std::lock_guard lock(memory_->mutex_);
  mask->number = ++computed_;
  make_room(bytes);
  const auto [at, added] = known_.try_emplace(key, std::move(mask));
  bytes_ += added ? bytes : 0;
  memory_->bytes_ += added ? bytes : 0;
  return at->second;
}

void LeafMasks::make_room(std::size_t bytes) {
  if (bytes_ + bytes > memory_->most_ / 2) forget();
  for (auto longest_ago = memory_->used_.rbegin();
       memory_->bytes_ + bytes > memory_->most_ && longest_ago != memory_->used_.rend(); ++longest_ago) {
    (*longest_ago)->forget();
  }
}

void LeafMasks::forget() {
  known_.clear();
  memory_->bytes_ -= std::exchange(bytes_, 0);
}

LeafMask LeafMasks::compute(const Automaton& automaton, Place place) const {
  LeafMask out;
  const auto nodes = vocabulary_.nodes();
  std::vector<Place> path(vocabulary_.longest() + 1);  // by depth
  path[0] = place;
  for (std::uint32_t i = 1; i < nodes.size();) {
    ++out.work;
    const auto next = automaton.step(path[nodes[i].depth - 1U], nodes[i].byte);
    if (!next) {
      i = nodes[i].end;
      continue;
    }
    const auto tokens = vocabulary_.tokens_at(i);
    out.few.insert(out.few.end(), tokens.begin(), tokens.end());
    if (automaton.accepts(*next) && nodes[i].end > i + 1) out.beyond.push_back(i);
    path[nodes[i].depth] = *next;
    ++i;
  }
  const std::size_t words = (static_cast<std::size_t>(vocabulary_.id_limit()) + 63) / 64;
  if (out.few.size() <= words) return out;
  out.many.resize(words);
  for (const TokenId id : out.few)
    out.many[static_cast<std::size_t>(id) / 64] |= std::uint64_t{1} << (id % 64);
  out.few = {};
  return out;
}

}  // namespace nestor::grammar
