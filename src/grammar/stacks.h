// A grammar as a pushdown automaton that reads bytes. All ways to read the text so far are followed at once:
// a state is a set of stacks, with everything that is equal shared.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/token_id.h"
#include "grammar/allowance.h"
#include "grammar/terms.h"

namespace nestor::grammar {

using StateId = std::uint32_t;

/// One thing begun and not finished. Of a leaf: where its automaton is. Of a sequence: `at`, the part that
/// comes next. Of a repetition: `count`, how often it has been done (as far as it matters).
struct Frame {
  TermId term = 0;
  std::uint32_t at = 0;
  std::uint32_t count = 0;
  friend auto operator<=>(const Frame&, const Frame&) = default;
};

/// The top of stacks and, as another state, all that may lie below.
struct Entry {
  Frame frame;
  StateId tail;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// States are numbered as they are met; equal sets have equal numbers. One thread at a time. What adds states
/// throws Error(limit) where the allowance ends, and is of no use after that.
class Stacks {
 public:
  static constexpr StateId kNone = std::numeric_limits<StateId>::max();
  /// Where nothing is left to do.
  static constexpr StateId kEnd = 0;

  /// `control` is the token of each marker term, by term; markers without one are spelled out. Keeps
  /// references to terms and allowance.
  Stacks(const Terms& terms, std::unordered_map<TermId, TokenId> control, Allowance& allowance);
  ~Stacks() { allowance_.give_back_bytes(bytes_); }
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  StateId start() const { return start_; }
  /// The state behind a byte; kNone if it cannot come.
  StateId step(StateId state, unsigned char byte);
  /// The state behind a control token; kNone if it cannot come.
  StateId step_control(StateId state, TokenId id);

  /// The leaves that may go on (in an order of their own), each with what comes behind it.
  std::span<const Entry> entries(StateId state) const {
    return std::span(entries_).subspan(states_[state].first, states_[state].size);
  }
  bool may_end(StateId state) const { return states_[state].ends; }
  /// The leaves that may go on once what lies on top of `tail` is finished.
  StateId after(StateId tail);
  /// The control token of a leaf; nothing if it is read as bytes.
  std::optional<TokenId> control_of(const Frame& frame) const;

  /// Forgets what these states can do without, and numbers them anew.
  void keep(std::span<StateId> states);

  std::size_t bytes() const { return bytes_; }

 private:
  struct State {
    std::uint32_t first = 0, size = 0;  // in entries_
    std::uint32_t depth = 0;            // of the deepest stack
    bool ends = false;
    std::uint32_t next = 0;  // its row of steps_, 0 for none yet
    StateId after = kNone;
  };
  struct Pending {  // a state that is being collected
    std::vector<Entry> entries;
    bool ends = false;
  };

  void open(const Frame& frame, StateId tail) { open_.push_back({frame, tail}); }
  void go_on(const Entry& entry);
  void go_on_repeating(const Entry& entry);
  void pop(StateId tail);
  void leaf(const Frame& frame, StateId tail);
  StateId push(const Frame& frame, StateId tail);
  StateId collected();
  template <typename Alike>
  void gather(std::vector<Entry>& entries, Alike alike);
  StateId united(std::span<const Entry> alike);
  StateId intern(std::vector<Entry> entries, bool ends);
  std::uint32_t depth(StateId state) const { return states_[state].depth; }
  const Term& term(TermId id) const { return terms_.terms[id]; }
  void take(std::size_t bytes);
  bool first_visit(TermId term, std::uint32_t count, StateId tail);

  const Terms& terms_;
  std::unordered_map<TermId, TokenId> control_;
  Allowance& allowance_;
  std::size_t bytes_ = 0;
  std::vector<State> states_;
  std::vector<Entry> entries_;
  std::unordered_multimap<std::size_t, StateId> by_hash_;
  std::deque<std::array<StateId, 256>> steps_;  // kUnknown where not computed yet
  static constexpr StateId kUnknown = kNone - 1;
  Pending pending_;
  std::vector<Entry> open_, round_;  // what goes on next, and now
  struct Visit {
    std::uint32_t term, count;
    StateId tail;
    friend bool operator==(const Visit&, const Visit&) = default;
  };
  struct VisitHash {
    std::size_t operator()(const Visit& v) const;
  };
  std::unordered_set<Visit, VisitHash> visited_;
  StateId start_ = kNone;
};

}  // namespace nestor::grammar
