// Deterministic automata over characters (Unicode scalar values): what a string may contain, before it is
// written as JSON or as plain text. Every state can still reach an accepting one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/work.h"

namespace nestor::grammar {

/// Characters first to last lead to state `to`.
struct CharEdge {
  std::uint32_t first;
  std::uint32_t last;
  std::uint32_t to;
  friend auto operator<=>(const CharEdge&, const CharEdge&) = default;
};

class CharDfa {
 public:
  static constexpr std::uint32_t kMaxStates = 5'000;
  static constexpr std::size_t kMaxEdges = 500'000;  // of all states: 6 MB
  static constexpr std::uint32_t kMaxChar = 0x10FFFF;

  struct State {
    std::vector<CharEdge> edges;  // ascending and disjoint, without surrogates; other characters cannot come
    bool accepting = false;
  };

  /// State 0 is the beginning. States that lead nowhere are removed. Throws Error(limit) for too many states
  /// or edges.
  explicit CharDfa(std::vector<State> states);

  const std::vector<State>& states() const { return states_; }
  /// Whether no text at all is accepted.
  bool empty() const { return states_.empty(); }

 private:
  std::vector<State> states_;
};

/// Throws Error(limit) if there are more than that.
void check_text_size(std::size_t states, std::size_t edges);

/// Texts that both accept.
CharDfa intersection(const CharDfa& a, const CharDfa& b, Work& work);
CharDfa any_text();
/// Texts of min to max characters (Automaton::kNoLimit: no upper limit).
CharDfa text_of_length(std::uint32_t min, std::uint32_t max);
/// Every text but these.
CharDfa all_but(const std::vector<std::string>& texts, Work& work);
/// Texts in which `part`, which is ASCII, does not occur.
CharDfa text_without(std::string_view part);
/// Texts that neither begin nor end with white space (ASCII).
CharDfa text_without_outer_blanks();

/// A JSON string, quotes included, with this content of min to max characters. Characters stand for
/// themselves or in any of JSON's escapes. A limit on the length is only for contents that any character can
/// go on and that may end anywhere; others get theirs by text_of_length(). Nothing if no string is accepted.
std::optional<Automaton> json_string(const CharDfa& content, Work& work, std::uint32_t min = 0,
                                     std::uint32_t max = Automaton::kNoLimit);

/// The content as it stands, without control characters other than tab and line breaks. Nothing if that
/// leaves none.
std::optional<Automaton> plain_text(const CharDfa& content, Work& work);

}  // namespace nestor::grammar
