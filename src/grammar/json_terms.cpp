#include "grammar/json_terms.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "grammar/number.h"

namespace nestor::grammar {
namespace {

constexpr int kMaxIndent = 40;

Automaton blanks_automaton(Work& work) {
  AutomatonBuilder builder(work, Work::Kind::parts);
  const std::uint32_t begin = builder.add_state(), blank = builder.add_state(),
                      carriage = builder.add_state();
  std::uint32_t line = builder.add_state();
  builder.accept(begin);
  builder.accept(blank);
  builder.accept(line);
  builder.edge(begin, ' ', blank);
  builder.edge(begin, '\r', carriage);
  builder.edge(begin, '\n', line);
  builder.edge(carriage, '\n', line);
  for (int i = 0; i < kMaxIndent; ++i) {
    const std::uint32_t next = builder.add_state();
    builder.accept(next);
    builder.edge(line, ' ', next);
    builder.edge(line, '\t', next);
    line = next;
  }
  return builder.build().value();
}

std::uint32_t less(std::uint32_t count, std::uint32_t by) {
  return count == Terms::kNoLimit ? count : count - std::min(count, by);
}

}  // namespace

TermId JsonTerms::blanks() {
  if (!blanks_) blanks_ = builder_.leaf(blanks_automaton(builder_.work()));
  return *blanks_;
}

TermId JsonTerms::comma() {
  if (!comma_) comma_ = builder_.sequence({builder_.literal(","), blanks()});
  return *comma_;
}

TermId JsonTerms::boolean() { return builder_.choice({builder_.literal("true"), builder_.literal("false")}); }

TermId JsonTerms::any_string() {
  if (!any_string_) any_string_ = string(0, Automaton::kNoLimit);
  return *any_string_;
}

TermId JsonTerms::any_number() {
  if (!any_number_) any_number_ = builder_.leaf(number({}, builder_.work()).value());
  return *any_number_;
}

TermId JsonTerms::any_value() {
  if (!any_value_) {
    any_value_ = builder_.rule();
    builder_.define(*any_value_, builder_.choice({any_string(), any_number(), any_object(), any_array(),
                                                  boolean(), builder_.literal("null")}));
  }
  return *any_value_;
}

TermId JsonTerms::any_object() {
  if (!any_object_) {
    any_object_ = builder_.rule();
    builder_.define(*any_object_, object({}, OtherMembers{any_value(), {}}, {}));
  }
  return *any_object_;
}

TermId JsonTerms::any_array() {
  if (!any_array_) {
    any_array_ = builder_.rule();
    builder_.define(*any_array_, array({}, any_value(), {}));
  }
  return *any_array_;
}

TermId JsonTerms::string(std::uint32_t min, std::uint32_t max) {
  auto automaton = json_string(strings_, builder_.work(), min, max);
  return automaton ? builder_.leaf(*std::move(automaton)) : builder_.never();
}

TermId JsonTerms::string(const CharDfa& content) {
  auto automaton = json_string(intersection(content, strings_, builder_.work()), builder_.work());
  return automaton ? builder_.leaf(*std::move(automaton)) : builder_.never();
}

TermId JsonTerms::array(const std::vector<TermId>& first, std::optional<TermId> rest, CountRange count) {
  if (count.min > count.max) return builder_.never();
  const auto fixed = static_cast<std::uint32_t>(std::min<std::size_t>(first.size(), count.max));
  TermId items = builder_.sequence({});  // those behind item i, from the last one back
  if (rest && count.max > fixed) {
    const TermId next = builder_.sequence({comma(), *rest});
    const std::uint32_t before = std::max(fixed, 1U);
    items = builder_.repeat(next, less(count.min, before), less(count.max, before));
  } else if (count.min > fixed) {
    return builder_.never();
  }
  for (std::uint32_t i = fixed; i > 1; --i) {
    items = builder_.sequence({comma(), first[i - 1], items});
    if (count.min < i) items = builder_.optional(items);
  }
  std::optional<TermId> item;
  if (fixed > 0) {
    item = first[0];
  } else if (rest && count.max > 0) {
    item = *rest;
  }
  TermId body = item ? builder_.sequence({*item, items, blanks()}) : builder_.sequence({});
  if (item && count.min == 0) body = builder_.optional(body);
  return builder_.sequence({builder_.literal("["), blanks(), body, builder_.literal("]")});
}

TermId JsonTerms::member(TermId name, TermId value) {
  return builder_.sequence({name, builder_.literal(":"), builder_.optional(builder_.literal(" ")), value});
}

TermId JsonTerms::object(const std::vector<Member>& members, std::optional<OtherMembers> others,
                         const std::vector<std::string>& excluded) {
  // What may come behind the first i members, if some member has been written and if none has.
  TermId behind = blanks(), begin = builder_.sequence({});
  if (others) {
    names_members_freely_ = true;
    std::vector<std::string> taken = excluded;
    for (const Member& m : members) taken.push_back(m.name);
    const TermId other =
        member(taken.empty() ? any_string() : string(all_but(taken, builder_.work())), others->value);
    const CountRange count = others->count;
    const TermId more = builder_.sequence({comma(), other});
    behind = builder_.sequence({builder_.repeat(more, count.min, count.max), blanks()});
    if (count.max > 0) {
      begin =
          builder_.sequence({other, builder_.repeat(more, less(count.min, 1), less(count.max, 1)), blanks()});
      if (count.min == 0) begin = builder_.optional(begin);
    }
  }
  for (auto it = members.rbegin(); it != members.rend(); ++it) {
    const TermId written = member(builder_.literal(scalar_text(it->name)), it->value);
    const TermId next = builder_.sequence({comma(), written, behind});
    const TermId first = builder_.sequence({written, behind});
    const bool required = it->presence == Member::Presence::required;
    begin = required ? first : builder_.choice({first, begin});
    behind = required ? next : builder_.choice({next, behind});
  }
  return builder_.sequence({builder_.literal("{"), blanks(), begin, builder_.literal("}")});
}

TermId JsonTerms::one_of(const std::vector<Json>& values) {
  std::vector<std::string> scalars;
  std::vector<TermId> choices;
  for (const Json& value : values) {
    if (value.is_structured()) {
      choices.push_back(value_term(value));
    } else {
      scalars.push_back(scalar_text(value));
    }
  }
  if (!scalars.empty()) choices.push_back(builder_.leaf(literals(scalars, builder_.work())));
  return builder_.choice(std::move(choices));
}

TermId JsonTerms::value_term(const Json& value) {
  if (value.is_array()) {
    std::vector<TermId> items;
    for (const Json& item : value) items.push_back(value_term(item));
    const auto size = static_cast<std::uint32_t>(items.size());
    return array(items, std::nullopt, {size, size});
  }
  if (value.is_object()) {
    std::vector<Member> members;
    for (const auto& [name, item] : value.items()) {
      members.push_back({name, value_term(item), Member::Presence::required});
    }
    return object(members, std::nullopt, {});
  }
  return builder_.literal(scalar_text(value));
}

std::string JsonTerms::scalar_text(const Json& value) {
  std::string text = to_text(value);
  builder_.work().spend(Work::Kind::texts, 50 + 2 * text.size());
  if (value.is_string()) {
    if (!string_automaton_) string_automaton_ = json_string(strings_, builder_.work());
    if (!string_automaton_->matches(text)) {
      fail(ErrorKind::unsupported, "the text {} holds a marker of tool calls and cannot stand inside one",
           in_quotes(text));
    }
  }
  return text;
}

}  // namespace nestor::grammar
