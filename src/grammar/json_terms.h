// JSON as terms: values, the frames of arrays and objects, and how much white space is admitted.
//
// White space: where JSON has places for it, none, one blank, or a line break with up to 40 blanks or tabs
// behind it; none before a comma or colon, at most one blank behind a colon, none around the document. So a
// model that writes blanks for ever is brought back to the text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "grammar/char_dfa.h"
#include "grammar/terms.h"

namespace nestor::grammar {

/// How many there may be.
struct CountRange {
  std::uint32_t min = 0;
  std::uint32_t max = Terms::kNoLimit;
};

class JsonTerms {
 public:
  /// `strings`: what strings may contain (any_text(), or less where the document stands inside other text).
  JsonTerms(TermBuilder& builder, CharDfa strings) : builder_(builder), strings_(std::move(strings)) {}

  TermId any_value();
  TermId any_object();
  TermId any_string();
  TermId any_number();
  TermId any_array();
  TermId boolean();

  TermId string(std::uint32_t min, std::uint32_t max);
  TermId string(const CharDfa& content);

  /// One of these documents. Numbers and strings in the one way in which Nestor writes them.
  TermId one_of(const std::vector<Json>& values);

  /// `first`, then `rest`, as many as `count` says.
  TermId array(const std::vector<TermId>& first, std::optional<TermId> rest, CountRange count);

  struct Member {
    enum class Presence { required, optional };
    std::string name;
    TermId value;
    Presence presence;
  };
  struct OtherMembers {
    TermId value;
    CountRange count;
  };
  /// These members in this order, then others whose names differ from all of these and from `excluded`.
  TermId object(const std::vector<Member>& members, std::optional<OtherMembers> others,
                const std::vector<std::string>& excluded);

  const CharDfa& strings() const { return strings_; }
  /// Whether some object may have others.
  bool names_members_freely() const { return names_members_freely_; }

 private:
  TermId blanks();
  TermId comma();
  TermId member(TermId name, TermId value);
  TermId value_term(const Json& value);
  std::string scalar_text(const Json& value);

  TermBuilder& builder_;
  CharDfa strings_;
  bool names_members_freely_ = false;
  std::optional<Automaton> string_automaton_;  // of strings_
  std::optional<TermId> blanks_, comma_, any_value_, any_object_, any_array_, any_string_, any_number_;
};

}  // namespace nestor::grammar
