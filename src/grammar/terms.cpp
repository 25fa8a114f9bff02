#include "grammar/terms.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace nestor::grammar {
namespace {

constexpr std::size_t kMaxTerms = 100'000;
constexpr std::size_t kMaxAutomatonStates = 200'000;
constexpr std::size_t kMaxAutomatonBytes = std::size_t{32} << 20;
constexpr int kMaxPasses = 200;  // of compute_heights(): references behind references

// The height that the heights of the parts give.
std::uint32_t height_of(const Term& term, const std::vector<Term>& terms) {
  const auto part = [&](std::size_t i) { return terms[term.parts[i]].height; };
  std::uint32_t height = 0;
  switch (term.kind) {
    case Term::Kind::leaf:
    case Term::Kind::marker:
      return 0;
    case Term::Kind::sequence:
      for (std::size_t i = 0; i < term.parts.size(); ++i) {
        height = std::max(height, part(i) + (i + 1 < term.parts.size() ? 1 : 0));
      }
      return std::min(height, Term::kNoHeight);
    case Term::Kind::choice:
      height = Term::kNoHeight;
      for (std::size_t i = 0; i < term.parts.size(); ++i) height = std::min(height, part(i));
      return height;
    case Term::Kind::repeat:
      return term.min == 0 ? 0 : std::min(part(0) + 1, Term::kNoHeight);
    case Term::Kind::rule:
      return term.parts.empty() ? Term::kNoHeight : part(0);
  }
  return Term::kNoHeight;
}

}  // namespace

std::size_t Terms::bytes() const {
  std::size_t sum = 0;
  for (const Automaton& automaton : automata) sum += automaton.bytes();
  for (const Term& term : terms)
    sum += sizeof(term) + term.parts.capacity() * sizeof(TermId) + term.marker.size();
  return sum;
}

TermId TermBuilder::add(Term term) {
  work_.spend(Work::Kind::parts, 20 + term.parts.size());
  if (terms_.terms.size() >= kMaxTerms)
    fail(ErrorKind::limit, "the schema is too large: more than {} parts", kMaxTerms);
  terms_.terms.push_back(std::move(term));
  return static_cast<TermId>(terms_.terms.size() - 1);
}

TermId TermBuilder::leaf(Automaton automaton) {
  automaton_states_ += automaton.states();
  automaton_bytes_ += automaton.bytes();
  if (automaton_states_ > kMaxAutomatonStates || automaton_bytes_ > kMaxAutomatonBytes) {
    fail(ErrorKind::limit,
         "the schema is too large: its strings and numbers need more than {} states or {} MiB",
         kMaxAutomatonStates, kMaxAutomatonBytes >> 20);
  }
  terms_.automata.push_back(std::move(automaton));
  return add({.kind = Term::Kind::leaf, .automaton = static_cast<std::uint32_t>(terms_.automata.size() - 1)});
}

TermId TermBuilder::literal(const std::string& text) {
  if (text.empty()) return sequence({});
  if (const auto known = literals_.find(text); known != literals_.end()) return known->second;
  const TermId term = leaf(literals({text}, work_));
  literals_.emplace(text, term);
  return term;
}

TermId TermBuilder::marker(const std::string& text) {
  const TermId spelled = literal(text);
  return add({.kind = Term::Kind::marker, .automaton = terms_.terms[spelled].automaton, .marker = text});
}

TermId TermBuilder::sequence(std::vector<TermId> parts) {
  return parts.size() == 1 ? parts[0] : add({.kind = Term::Kind::sequence, .parts = std::move(parts)});
}

TermId TermBuilder::choice(std::vector<TermId> parts) {
  return parts.size() == 1 ? parts[0] : add({.kind = Term::Kind::choice, .parts = std::move(parts)});
}

TermId TermBuilder::repeat(TermId body, std::uint32_t min, std::uint32_t max) {
  return add({.kind = Term::Kind::repeat, .parts = {body}, .min = min, .max = max});
}

TermId TermBuilder::rule() { return add({.kind = Term::Kind::rule}); }

// From above to the least solution. Parts come before the terms that use them, rules aside, so that one pass
// settles all that does not wait for a rule.
void TermBuilder::compute_heights() {
  std::vector<Term>& terms = terms_.terms;
  bool changed = true;
  for (int pass = 0; changed; ++pass) {
    if (pass == kMaxPasses)
      fail(ErrorKind::limit, "the schema refers through more than {} definitions", kMaxPasses);
    changed = false;
    for (Term& term : terms) {
      work_.spend(Work::Kind::parts, 1 + term.parts.size());
      const std::uint32_t height = height_of(term, terms);
      changed = changed || height != term.height;
      term.height = height;
    }
  }
}

Terms TermBuilder::build(TermId root) {
  compute_heights();
  terms_.root = root;
  const std::uint32_t height = terms_.terms[root].height;
  if (height >= Term::kNoHeight) {
    fail(ErrorKind::bad_input,
         "no document within the limits can satisfy the schema: it contradicts itself, or it requires itself "
         "inside "
         "itself");
  }
  if (height > Terms::kMaxHeight) {
    fail(ErrorKind::limit, "the schema requires documents that are nested too deep");
  }
  return std::move(terms_);
}

}  // namespace nestor::grammar
