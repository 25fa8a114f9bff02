// Deterministic automata over bytes: strings, numbers, literals, the leaves of a grammar. Every state can
// still reach an accepting one, so that a text held to an automaton can always be completed.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/work.h"

namespace nestor::grammar {

/// Where an automaton is: its state and, where it counts, the characters so far.
struct Place {
  std::uint32_t state = 0;
  std::uint32_t count = 0;
  friend auto operator<=>(const Place&, const Place&) = default;
};

/// Const and thread-safe. Place{} is the beginning.
class Automaton {
 public:
  static constexpr std::uint32_t kDead = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::uint32_t kNoLimit = std::numeric_limits<std::uint32_t>::max();

  /// The next place, or nothing if the byte cannot come here.
  std::optional<Place> step(Place place, unsigned char byte) const {
    const std::uint32_t next = next_[place.state * classes_ + class_of_[byte]];
    if (next == kDead) return std::nullopt;
    if (!boundary_[place.state]) return Place{next, place.count};
    if (next == closed_) return place.count < min_ ? std::nullopt : std::optional(Place{next, 0});
    if (place.count == max_) return std::nullopt;
    // Without an upper limit, only the way to the lower one matters.
    const bool saturated = max_ == kNoLimit && place.count >= min_;
    return Place{next, saturated ? place.count : place.count + 1};
  }
  bool accepts(Place place) const { return accepting_[place.state]; }
  /// Whether no byte can come.
  bool is_over(Place place) const { return over_[place.state]; }
  bool matches(std::string_view text) const;

  /// The same for all places from which no text of at most `bytes` bytes is told apart by its count.
  Place representative(Place place, std::uint32_t bytes) const;

  std::size_t states() const { return accepting_.size(); }
  std::size_t bytes() const { return sizeof(*this) + next_.size() * sizeof(next_[0]); }

 private:
  friend class AutomatonBuilder;
  std::array<std::uint8_t, 256> class_of_{};  // bytes that no state tells apart
  std::uint32_t classes_ = 0;
  std::vector<std::uint32_t> next_;  // [state * classes_ + class]
  std::vector<bool> accepting_;
  std::vector<bool> over_;  // without edges
  // Strings with a length: characters are counted where one begins.
  std::vector<bool> boundary_;    // between two characters
  std::uint32_t closed_ = kDead;  // behind the closing quote
  std::uint32_t min_ = 0, max_ = kNoLimit;
};

/// Builds an automaton from its edges. State 0 is the beginning.
class AutomatonBuilder {
 public:
  /// Throws Error(limit) beyond this many states.
  static constexpr std::uint32_t kMaxStates = 20'000;

  /// Counts as `kind` what it costs.
  AutomatonBuilder(Work& work, Work::Kind kind) : work_(work), kind_(kind) {}

  std::uint32_t add_state();
  void edge(std::uint32_t from, unsigned char byte, std::uint32_t to) { rows_[from][byte] = to; }
  std::uint32_t target(std::uint32_t from, unsigned char byte) const { return rows_[from][byte]; }
  void accept(std::uint32_t state) { accepting_[state] = true; }
  /// Counts characters: those that begin in a boundary state; `closed` is entered from one by the closing
  /// quote. Every boundary state must have an edge to `closed` and one to a character whose boundary can go
  /// on in the same way.
  void boundary(std::uint32_t state) { boundary_[state] = true; }
  void count(std::uint32_t min, std::uint32_t max, std::uint32_t closed);

  /// Nothing if no text is accepted.
  std::optional<Automaton> build();

 private:
  std::vector<std::uint32_t> useful_states() const;

  Work& work_;
  Work::Kind kind_;
  std::deque<std::array<std::uint32_t, 256>> rows_;
  std::vector<bool> accepting_;
  std::vector<bool> boundary_;
  std::uint32_t min_ = 0, max_ = Automaton::kNoLimit, closed_ = Automaton::kDead;
};

/// One of several texts, at least one.
Automaton literals(const std::vector<std::string>& texts, Work& work);

}  // namespace nestor::grammar
