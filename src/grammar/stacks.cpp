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

constexpr std::size_t kManyVisits = 1'000;

// A state with its place among the others, besides its entries.
constexpr std::size_t kStateBytes = 96;

}  // namespace

std::size_t Stacks::VisitHash::operator()(const Visit& v) const {
  return mixed(mixed(mixed(0, v.term), v.count), v.tail);
}

Stacks::Stacks(const Terms& terms, std::unordered_map<TermId, TokenId> control, Allowance& allowance)
    : terms_(terms), control_(std::move(control)), allowance_(allowance) {
  intern({}, true);  // kEnd
  steps_.emplace_back();
  open({terms_.root, 0, 0}, kEnd);
  start_ = collected();
}

StateId Stacks::step(StateId state, unsigned char byte) {
  if (states_[state].next == 0) {
    take(sizeof(steps_[0]));
    states_[state].next = static_cast<std::uint32_t>(steps_.size());
    steps_.emplace_back().fill(kUnknown);
  }
  const std::uint32_t row = states_[state].next;
  if (steps_[row][byte] != kUnknown) return steps_[row][byte];
  const std::uint32_t first = states_[state].first, size = states_[state].size;
  allowance_.spend(Allowance::kEntry * (size + 1));
  for (std::uint32_t i = first; i < first + size; ++i) {
    const Entry entry = entries_[i];
    if (entry.frame.at == kAsControl) continue;
    const Automaton& automaton = terms_.automata[term(entry.frame.term).automaton];
    const auto place = automaton.step({entry.frame.at, entry.frame.count}, byte);
    if (place) leaf({entry.frame.term, place->state, place->count}, entry.tail);
  }
  const StateId next = collected();
  steps_[row][byte] = next;
  return next;
}

StateId Stacks::step_control(StateId state, TokenId id) {
  const std::uint32_t first = states_[state].first, size = states_[state].size;
  allowance_.spend(Allowance::kEntry * (size + 1));
  for (std::uint32_t i = first; i < first + size; ++i) {
    const Entry entry = entries_[i];
    if (control_of(entry.frame) == id) pop(entry.tail);
  }
  return collected();
}

std::optional<TokenId> Stacks::control_of(const Frame& frame) const {
  return frame.at == kAsControl ? std::optional(control_.at(frame.term)) : std::nullopt;
}

StateId Stacks::after(StateId tail) {
  if (states_[tail].after == kNone) {
    pop(tail);
    const StateId next = collected();
    states_[tail].after = next;
  }
  return states_[tail].after;
}

// The following collect in pending_ the leaves that come next, and in open_ what leads to them. Whatever
// would need a stack that is too deep is left out: Term::height says so before it is begun, so nothing that
// was begun is ever left out later.

void Stacks::go_on(const Entry& entry) {
  const auto& [frame, tail] = entry;
  const Term& it = term(frame.term);
  if (it.height + depth(tail) > Terms::kMaxHeight) return;
  switch (it.kind) {
    case Term::Kind::leaf:
      return leaf(frame, tail);
    case Term::Kind::marker:
      if (control_.find(frame.term) == control_.end()) return leaf(frame, tail);
      pending_.entries.push_back({{frame.term, kAsControl, 0}, tail});
      return;
    case Term::Kind::repeat:
      return go_on_repeating(entry);
    case Term::Kind::sequence:
      if (frame.at == it.parts.size()) return pop(tail);
      return open({it.parts[frame.at], 0, 0},
                  frame.at + 1 == it.parts.size() ? tail : push({frame.term, frame.at + 1, 0}, tail));
    case Term::Kind::choice:
    case Term::Kind::rule:
      if (!first_visit(frame.term, 0, tail)) return;
      for (const TermId part : it.parts) open({part, 0, 0}, tail);
      return;
  }
}

void Stacks::go_on_repeating(const Entry& entry) {
  const auto& [frame, tail] = entry;
  const Term& it = term(frame.term);
  if (!first_visit(frame.term, frame.count, tail)) return;
  if (frame.count >= it.min) pop(tail);
  if (frame.count == it.max) return;
  // Without an upper limit, only the way to the lower one matters.
  const bool counts = it.max != Terms::kNoLimit || frame.count < it.min;
  const TermId body = it.parts[0];
  if (term(body).height + depth(tail) + 1 > Terms::kMaxHeight) return;
  open({body, 0, 0}, push({frame.term, 0, counts ? frame.count + 1 : frame.count}, tail));
}

void Stacks::pop(StateId tail) {
  if (!first_visit(kNoTerm, 0, tail)) return;
  if (states_[tail].ends) pending_.ends = true;
  const auto below = entries(tail);
  open_.insert(open_.end(), below.begin(), below.end());
}

void Stacks::leaf(const Frame& frame, StateId tail) {
  const Automaton& automaton = terms_.automata[term(frame.term).automaton];
  const Place place{frame.at, frame.count};
  if (!automaton.is_over(place)) pending_.entries.push_back({frame, tail});
  if (automaton.accepts(place)) pop(tail);
}

bool Stacks::first_visit(TermId id, std::uint32_t count, StateId tail) {
  return visited_.insert({id, count, tail}).second;
}

StateId Stacks::push(const Frame& frame, StateId tail) { return intern({{frame, tail}}, false); }

// Round by round: what begins in many places at once, such as a value in each of many kinds of lists, is
// begun once, above all of them. Their depths must be equal, since what is left out depends on it.
StateId Stacks::collected() {
  while (!open_.empty()) {
    round_.swap(open_);
    open_.clear();
    if (round_.size() > 1) {
      gather(round_, [this](const Entry& a, const Entry& b) {
        return a.frame == b.frame && depth(a.tail) == depth(b.tail);
      });
    }
    allowance_.spend(Allowance::kEntry * round_.size());
    for (const Entry& entry : round_) go_on(entry);
  }
  if (visited_.bucket_count() > kManyVisits) visited_ = {};  // clearing would look at all of its buckets
  visited_.clear();
  Pending all = std::exchange(pending_, {});
  if (all.entries.empty() && !all.ends) return kNone;
  return intern(std::move(all.entries), all.ends);
}

// Entries that are alike become one, with the union of what lies below them.
template <typename Alike>
void Stacks::gather(std::vector<Entry>& entries, Alike alike) {
  allowance_.spend(Allowance::kEntry * entries.size());
  std::sort(entries.begin(), entries.end(), [this](const Entry& a, const Entry& b) {
    if (a.frame != b.frame) return a.frame < b.frame;
    return depth(a.tail) != depth(b.tail) ? depth(a.tail) < depth(b.tail) : a.tail < b.tail;
  });
  std::size_t kept = 0;
  for (std::size_t begin = 0, end = 0; begin < entries.size(); begin = end) {
    const Entry first = entries[begin];
    while (end < entries.size() && alike(first, entries[end])) ++end;
    const auto group = std::span<const Entry>(entries).subspan(begin, end - begin);
    entries[kept++] = {first.frame, united(group)};
  }
  entries.resize(kept);
}

StateId Stacks::united(std::span<const Entry> alike) {
  if (alike.front().tail == alike.back().tail && alike.size() <= 2) return alike.front().tail;
  std::vector<Entry> all;
  bool ends = false;
  StateId last = kNone;
  std::size_t different = 0;
  for (const Entry& entry : alike) {
    if (std::exchange(last, entry.tail) == entry.tail) continue;
    ++different;
    ends = ends || states_[entry.tail].ends;
    const auto below = entries(entry.tail);
    all.insert(all.end(), below.begin(), below.end());
  }
  return different == 1 ? last : intern(std::move(all), ends);
}

// Equal frames become one: that keeps ambiguous grammars small.
StateId Stacks::intern(std::vector<Entry> entries, bool ends) {
  if (entries.size() > 1) {
    gather(entries, [](const Entry& a, const Entry& b) { return a.frame == b.frame; });
  }
  const std::size_t hash = hash_of(entries, ends);
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    const State& known = states_[it->second];
    const auto there = this->entries(it->second);
    if (known.ends == ends && std::equal(there.begin(), there.end(), entries.begin(), entries.end()))
      return it->second;
  }
  take(kStateBytes + entries.size() * sizeof(Entry));
  State state{.first = static_cast<std::uint32_t>(entries_.size()),
              .size = static_cast<std::uint32_t>(entries.size())};
  state.ends = ends;
  for (const Entry& entry : entries) state.depth = std::max(state.depth, depth(entry.tail) + 1);
  entries_.insert(entries_.end(), entries.begin(), entries.end());
  states_.push_back(state);
  by_hash_.emplace(hash, static_cast<StateId>(states_.size() - 1));
  return static_cast<StateId>(states_.size() - 1);
}

void Stacks::take(std::size_t bytes) {
  allowance_.take_bytes(bytes);
  bytes_ += bytes;
}

void Stacks::keep(std::span<StateId> kept) {
  std::vector<StateId> renamed(states_.size(), kNone);
  const auto need = [&](StateId state) {
    if (state < renamed.size()) renamed[state] = kEnd;
  };
  need(kEnd);
  need(start_);
  std::for_each(kept.begin(), kept.end(), need);
  // What lies below a state was there before it.
  for (StateId state = static_cast<StateId>(states_.size()); state-- > 0;) {
    if (renamed[state] == kNone) continue;
    for (const Entry& entry : entries(state)) need(entry.tail);
  }
  const std::vector<State> states = std::exchange(states_, {});
  const std::vector<Entry> all = std::exchange(entries_, {});
  by_hash_.clear();
  steps_.resize(1);
  steps_.shrink_to_fit();
  allowance_.give_back_bytes(std::exchange(bytes_, 0));
  for (StateId state = 0; state < states.size(); ++state) {
    if (renamed[state] == kNone) continue;
    std::vector<Entry> entries(all.begin() + states[state].first,
                               all.begin() + states[state].first + states[state].size);
    for (Entry& entry : entries) entry.tail = renamed[entry.tail];
    renamed[state] = intern(std::move(entries), states[state].ends);
  }
  const auto rename = [&](StateId& state) { state = state < renamed.size() ? renamed[state] : state; };
  rename(start_);
  std::for_each(kept.begin(), kept.end(), rename);
}

}  // namespace nestor::grammar
