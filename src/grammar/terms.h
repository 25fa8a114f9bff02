// What a grammar consists of: terms, the leaves being automata. A term refers to others by number; rules make
// recursion possible. No term is an intersection or a complement, so whatever has been begun can be
// completed.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "grammar/automaton.h"
#include "grammar/work.h"

namespace nestor::grammar {

using TermId = std::uint32_t;

struct Term {
  enum class Kind {
    leaf,      // a text of `automaton`
    marker,    // a control token; spelled out, a text of `automaton`
    sequence,  // `parts`, one after the other; none: the empty text
    choice,    // one of `parts`
    repeat,    // parts[0], min to max times
    rule,      // parts[0], filled in later
  };
  Kind kind{};
  std::uint32_t automaton = 0;
  std::vector<TermId> parts = {};
  std::string marker = {};
  std::uint32_t min = 0, max = 0;
  /// Unfinished things that a text of this term needs at the same time, at least: an array in an array has
  /// more.
  std::uint32_t height = kNoHeight;

  static constexpr std::uint32_t kNoHeight = std::numeric_limits<std::uint32_t>::max() / 2;  // no finite text
};

/// A grammar. Const and thread-safe once built.
struct Terms {
  static constexpr std::uint32_t kNoLimit = Automaton::kNoLimit;
  /// Unfinished things at the same time, at most. JSON nests up to some 60 levels with it, fewer than parsers
  /// admit.
  static constexpr std::uint32_t kMaxHeight = 192;

  std::vector<Term> terms;
  std::vector<Automaton> automata;
  TermId root = 0;
  /// The texts are JSON documents whose objects may have members that no term names: their names must differ,
  /// which terms cannot say (grammar/member_names.h).
  bool names_members_freely = false;

  /// Memory that it takes, about.
  std::size_t bytes() const;
};

class TermBuilder {
 public:
  /// Counts there what building costs, and bounds what it takes by itself: Error(limit).
  explicit TermBuilder(Work& work) : work_(work) {}
  Work& work() { return work_; }

  TermId leaf(Automaton automaton);
  TermId literal(const std::string& text);  // the same text, the same term; empty: the empty text
  TermId marker(const std::string& text);
  TermId sequence(std::vector<TermId> parts);
  TermId choice(std::vector<TermId> parts);
  TermId repeat(TermId body, std::uint32_t min, std::uint32_t max);
  TermId never() { return choice({}); }  // no text at all
  TermId optional(TermId body) { return choice({body, sequence({})}); }
  TermId rule();  // to be defined later
  void define(TermId rule, TermId as) { terms_.terms[rule].parts = {as}; }

  /// Throws Error(bad_input) if no text of finite length, Error(limit) if none within kMaxHeight belongs to
  /// it.
  Terms build(TermId root);

 private:
  TermId add(Term term);
  void compute_heights();

  Work& work_;
  Terms terms_;
  std::map<std::string, TermId> literals_;
  std::size_t automaton_states_ = 0;
  std::size_t automaton_bytes_ = 0;
};

}  // namespace nestor::grammar
