#include "grammar/stacks.h"

#include <algorithm>
#include <utility>

namespace nestor::grammar {
namespace {

constexpr std::uint32_t kAsControl =
    std::numeric_limits<std::uint32_t>::max();  // Frame::at of a control token
constexpr TermId kNoTerm = std::numeric_limits<TermId>::max();

std::size_t mixed(std::size_t hash, std::size_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL;
  return hash ^ (hash >> 29);
}

std::size_t hash_of(std::span<const Entry> entries, bool ends) {
  std::size_t hash = ends ? 1 : 2;
  for (const Entry& e : entries) {
    hash = mixed(mixed(mixed(mixed(hash, e.frame.term), e.frame.at), e.frame.count), e.tail);
  }
  return hash;
}

}  // namespace

std::size_t Stacks::VisitHash::operator()(const Visit& v) const {
  return mixed(mixed(mixed(0, v.term), v.count), v.tail);
}

Stacks::Stacks(const Terms& terms, std::unordered_map<TermId, TokenId> control)
    : terms_(terms), control_(std::move(control)) {
  intern({}, true);  // kEnd
  steps_.emplace_back();
  begin(terms_.root, kEnd);
  start_ = finish_pending();
}

StateId Stacks::step(StateId state, unsigned char byte) {
  if (states_[state].next == 0) {
    states_[state].next = static_cast<std::uint32_t>(steps_.size());
    steps_.emplace_back().fill(kUnknown);
  }
  const std::uint32_t row = states_[state].next;
  if (steps_[row][byte] != kUnknown) return steps_[row][byte];
  const std::uint32_t first = states_[state].first, size = states_[state].size;
  for (std::uint32_t i = first; i < first + size; ++i) {
    const Entry entry = entries_[i];
    if (entry.frame.at == kAsControl) continue;
    const Automaton& automaton = terms_.automata[term(entry.frame.term).automaton];
    const auto place = automaton.step({entry.frame.at, entry.frame.count}, byte);
    if (place) leaf({entry.frame.term, place->state, place->count}, entry.tail);
  }
  const StateId next = finish_pending();
  steps_[row][byte] = next;
  return next;
}

StateId Stacks::step_control(StateId state, TokenId id) {
  const std::uint32_t first = states_[state].first, size = states_[state].size;
  for (std::uint32_t i = first; i < first + size; ++i) {
    const Entry entry = entries_[i];
    if (control_of(entry.frame) == id) pop(entry.tail);
  }
  return finish_pending();
}

std::optional<TokenId> Stacks::control_of(const Frame& frame) const {
  return frame.at == kAsControl ? std::optional(control_.at(frame.term)) : std::nullopt;
}

StateId Stacks::after(StateId tail) {
  if (states_[tail].after == kNone) {
    pop(tail);
    const StateId next = finish_pending();
    states_[tail].after = next;
  }
  return states_[tail].after;
}

// The following collect in pending_ the leaves that come next. Whatever would need a stack that is too deep
// is left out: Term::height says so before it is begun, so nothing that was begun is ever left out later.

void Stacks::begin(TermId id, StateId tail) {
  const Term& it = term(id);
  if (it.height + states_[tail].depth > Terms::kMaxHeight) return;
  switch (it.kind) {
    case Term::Kind::leaf:
      return leaf({id, 0, 0}, tail);
    case Term::Kind::marker:
      if (control_.find(id) == control_.end()) return leaf({id, 0, 0}, tail);
      pending_.entries.push_back({{id, kAsControl, 0}, tail});
      return;
    case Term::Kind::repeat:
      return begin_repeat(id, 0, tail);
    case Term::Kind::sequence:
      return resume({id, 0, 0}, tail);
    case Term::Kind::choice:
    case Term::Kind::rule:
      if (!first_visit(id, 0, tail)) return;
      for (const TermId part : it.parts) begin(part, tail);
      return;
  }
}

void Stacks::begin_repeat(TermId id, std::uint32_t count, StateId tail) {
  const Term& it = term(id);
  if (!first_visit(id, count, tail)) return;
  if (count >= it.min) pop(tail);
  if (count == it.max) return;
  // Without an upper limit, only the way to the lower one matters.
  const std::uint32_t next = it.max == Terms::kNoLimit && count >= it.min ? count : count + 1;
  const TermId body = it.parts[0];
  if (term(body).height + states_[tail].depth + 1 > Terms::kMaxHeight) return;
  begin(body, push({id, 0, next}, tail));
}

void Stacks::resume(const Frame& frame, StateId tail) {
  const Term& it = term(frame.term);
  if (it.kind == Term::Kind::repeat) return begin_repeat(frame.term, frame.count, tail);
  if (frame.at == it.parts.size()) return pop(tail);
  const bool last = frame.at + 1 == it.parts.size();
  begin(it.parts[frame.at], last ? tail : push({frame.term, frame.at + 1, 0}, tail));
}

void Stacks::pop(StateId tail) {
  if (!first_visit(kNoTerm, 0, tail)) return;
  if (states_[tail].ends) pending_.ends = true;
  const std::uint32_t first = states_[tail].first, size = states_[tail].size;
  for (std::uint32_t i = first; i < first + size; ++i) {
    const Entry entry = entries_[i];
    resume(entry.frame, entry.tail);
  }
}

void Stacks::leaf(const Frame& frame, StateId tail) {
  const Automaton& automaton = terms_.automata[term(frame.term).automaton];
  const Place place{frame.at, frame.count};
  if (!automaton.is_over(place)) pending_.entries.push_back({frame, tail});
  if (automaton.accepts(place)) pop(tail);
}

bool Stacks::first_visit(std::uint32_t id, std::uint32_t count, StateId tail) {
  return visited_.insert({id, count, tail}).second;
}

StateId Stacks::push(const Frame& frame, StateId tail) { return intern({{frame, tail}}, false); }

StateId Stacks::finish_pending() {
  visited_.clear();
  Pending collected = std::exchange(pending_, {});
  if (collected.entries.empty() && !collected.ends) return kNone;
  return intern(std::move(collected.entries), collected.ends);
}

// Equal frames become one, with the union of what lies below them: that keeps ambiguous grammars small.
StateId Stacks::intern(std::vector<Entry> entries, bool ends) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return a.frame != b.frame ? a.frame < b.frame : a.tail < b.tail;
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (kept > 0 && entries[kept - 1].frame == entries[i].frame) {
      entries[kept - 1].tail = merge(entries[kept - 1].tail, entries[i].tail);
    } else {
      entries[kept++] = entries[i];
    }
  }
  entries.resize(kept);
  const std::size_t hash = hash_of(entries, ends);
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const State& known = states_[it->second];
    const auto there = this->entries(it->second);
    if (known.ends == ends && std::equal(there.begin(), there.end(), entries.begin(), entries.end()))
      return it->second;
  }
  State state{.first = static_cast<std::uint32_t>(entries_.size()), .size = static_cast<std::uint32_t>(kept)};
  state.ends = ends;
  for (const Entry& entry : entries) state.depth = std::max(state.depth, states_[entry.tail].depth + 1);
  entries_.insert(entries_.end(), entries.begin(), entries.end());
  states_.push_back(state);
  by_hash_.emplace(hash, static_cast<StateId>(states_.size() - 1));
  return static_cast<StateId>(states_.size() - 1);
}

StateId Stacks::merge(StateId a, StateId b) {
  if (a == b) return a;
  std::vector<Entry> both(entries(a).begin(), entries(a).end());
  both.insert(both.end(), entries(b).begin(), entries(b).end());
  return intern(std::move(both), states_[a].ends || states_[b].ends);
}

}  // namespace nestor::grammar
