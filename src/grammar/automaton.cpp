#include "grammar/automaton.h"

#include <algorithm>

#include "base/error.h"

namespace nestor::grammar {

bool Automaton::matches(std::string_view text) const {
  Place place;
  for (const char c : text) {
    const auto next = step(place, static_cast<unsigned char>(c));
    if (!next) return false;
    place = *next;
  }
  return accepts(place);
}

Place Automaton::representative(Place place, std::uint32_t bytes) const {
  const std::uint32_t missing = min_ - std::min(place.count, min_);
  if (missing > bytes) return {place.state, 0};  // cannot end so soon
  const bool far_from_max = max_ == kNoLimit || max_ - place.count > bytes;
  return missing == 0 && far_from_max ? Place{place.state, min_} : place;
}

// A state has a row of 256 targets, which is filled, searched, renamed and told apart by columns.
std::uint32_t AutomatonBuilder::add_state() {
  work_.spend(kind_, 100);
  if (rows_.size() >= kMaxStates) {
    fail(ErrorKind::limit,
         "the schema is too large: a string, number or list of values needs more than {} states", kMaxStates);
  }
  rows_.emplace_back().fill(Automaton::kDead);
  accepting_.push_back(false);
  boundary_.push_back(false);
  return static_cast<std::uint32_t>(rows_.size() - 1);
}

void AutomatonBuilder::count(std::uint32_t min, std::uint32_t max, std::uint32_t closed) {
  min_ = min;
  max_ = max;
  closed_ = closed;
}

// States on a way from the beginning to an accepting state, in their order.
std::vector<std::uint32_t> AutomatonBuilder::useful_states() const {
  const std::size_t n = rows_.size();
  std::vector<std::vector<std::uint32_t>> before(n);
  std::vector<bool> reached(n, false), finishing(n, false);
  std::vector<std::uint32_t> work{0};
  reached[0] = true;
  while (!work.empty()) {
    const std::uint32_t state = work.back();
    work.pop_back();
    std::uint32_t previous = Automaton::kDead;
    for (const std::uint32_t next : rows_[state]) {
      if (next == Automaton::kDead || next == previous) continue;
      previous = next;
      before[next].push_back(state);
      if (!reached[next]) {
        reached[next] = true;
        work.push_back(next);
      }
    }
  }
  for (std::uint32_t state = 0; state < n; ++state) {
    if (reached[state] && accepting_[state]) work.push_back(state);
  }
  for (const std::uint32_t state : work) finishing[state] = true;
  while (!work.empty()) {
    const std::uint32_t state = work.back();
    work.pop_back();
    for (const std::uint32_t from : before[state]) {
      if (finishing[from]) continue;
      finishing[from] = true;
      work.push_back(from);
    }
  }
  std::vector<std::uint32_t> useful;
  for (std::uint32_t state = 0; state < n; ++state) {
    if (finishing[state]) useful.push_back(state);
  }
  return useful;
}

std::optional<Automaton> AutomatonBuilder::build() {
  const std::vector<std::uint32_t> useful = useful_states();
  if (useful.empty() || useful.front() != 0) return std::nullopt;
  std::vector<std::uint32_t> renamed(rows_.size(), Automaton::kDead);
  for (std::uint32_t i = 0; i < useful.size(); ++i) renamed[useful[i]] = i;

  // A useful state's useful target.
  const auto target = [&](const std::array<std::uint32_t, 256>& row, std::size_t byte) {
    const std::uint32_t next = row[byte];
    return next == Automaton::kDead ? next : renamed[next];
  };
  Automaton out;
  std::vector<std::size_t> byte_of{0};  // one of each class
  struct Split {
    std::uint8_t from, to;
    std::uint32_t target;
  };
  // All bytes are of one class until some state tells them apart.
  for (const std::uint32_t state : useful) {
    const auto& row = rows_[state];
    std::vector<Split> splits;
    for (std::size_t byte = 0; byte < 256; ++byte) {
      std::uint8_t& mine = out.class_of_[byte];
      const std::uint32_t next = target(row, byte);
      if (next == target(row, byte_of[mine])) continue;
      auto split = std::find_if(splits.begin(), splits.end(),
                                [&](const Split& s) { return s.from == mine && s.target == next; });
      if (split == splits.end()) {
        split = splits.insert(split, {mine, static_cast<std::uint8_t>(byte_of.size()), next});
        byte_of.push_back(byte);
      }
      mine = split->to;
    }
  }
  out.classes_ = static_cast<std::uint32_t>(byte_of.size());
  out.next_.reserve(useful.size() * byte_of.size());
  for (const std::uint32_t state : useful) {
    bool over = true;
    for (const std::size_t byte : byte_of) {
      out.next_.push_back(target(rows_[state], byte));
      over = over && out.next_.back() == Automaton::kDead;
    }
    out.accepting_.push_back(accepting_[state]);
    out.over_.push_back(over);
    out.boundary_.push_back(boundary_[state]);
  }
  out.closed_ = closed_ == Automaton::kDead ? Automaton::kDead : renamed[closed_];
  out.min_ = min_;
  out.max_ = max_;
  return out;
}

Automaton literals(const std::vector<std::string>& texts, Work& work) {
  AutomatonBuilder builder(work, Work::Kind::texts);
  builder.add_state();
  for (const std::string& text : texts) {
    std::uint32_t state = 0;
    work.spend(Work::Kind::texts, text.size());
    for (const char c : text) {
      const auto byte = static_cast<unsigned char>(c);
      std::uint32_t next = builder.target(state, byte);
      if (next == Automaton::kDead) {
        next = builder.add_state();
        builder.edge(state, byte, next);
      }
      state = next;
    }
    builder.accept(state);
  }
  auto built = builder.build();
  if (!built) fail(ErrorKind::internal, "a list of literals without one");
  return *std::move(built);
}

}  // namespace nestor::grammar
