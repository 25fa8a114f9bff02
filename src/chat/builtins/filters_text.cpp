// Filters that make texts.
#include <algorithm>

#include "base/utf8.h"
#include "chat/builtins/filter_table.h"
#include "chat/builtins/text_methods.h"
#include "chat/syntax/escape.h"
#include "chat/values/percent_format.h"
#include "chat/values/repr.h"
#include "chat/values/tojson.h"
#include "chat/values/unicode.h"

namespace nestor::chat {
namespace {

template <std::string (*map)(std::string_view)>
Value map_filter(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("filter", arguments, {});
  return mapped(runtime, str_of(runtime, input), map);
}

// The filter `title` begins words after blanks, hyphens and opening brackets only; the method also after
// digits.
std::string title_words(std::string_view text) {
  constexpr std::u32string_view kBefore = U"-({[<";
  const std::u32string in = decoded(text);
  const auto parts_words = [&](char32_t c) { return kBefore.find(c) != kBefore.npos || is_space(c); };
  std::string out;
  for (std::size_t i = 0; i < in.size();) {
    std::size_t end = i;
    while (end < in.size() && parts_words(in[end]) == parts_words(in[i])) ++end;
    out += upper(encoded(std::u32string_view(in).substr(i, 1)));
    out += lower(encoded(std::u32string_view(in).substr(i + 1, end - i - 1)));
    i = end;
  }
  return out;
}

Value title_filter(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("title", arguments, {});
  Text text = str_of(runtime, input);
  text.set_escaped(Escaped::no);  // the words are joined to plain text
  return mapped(runtime, text, title_words);
}

Value trim(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("trim", arguments, {"chars"});
  const bool spaces = !given.given(0) || given[0].is_none();
  return runtime.text(stripped(str_of(runtime, input), Sides::both, spaces ? nullptr : &given.text(0)));
}

Value replace(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("replace", arguments, {"old", "new", "count"}, 2);
  const Int count = given.given(2) && !given[2].is_none() ? given.integer(2, -1) : -1;
  return replaced(runtime, str_of(runtime, input), str_of(runtime, given[0]), str_of(runtime, given[1]),
                  count);
}

Value string(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("string", arguments, {});
  return str_of(runtime, input);
}

Value escape(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("escape", arguments, {});
  return runtime.text(html_escaped(str_of(runtime, input)));
}

Value safe(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("safe", arguments, {});
  Text text = str_of(runtime, input);
  text.set_escaped(Escaped::yes);
  return text;
}

Value format(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Text text = str_of(runtime, input);
  if (arguments.named.empty()) return percent_format(runtime, text, Tuple(arguments.positional));
  if (!arguments.positional.empty()) {
    fail(ErrorKind::bad_input, "can't handle positional and keyword arguments at the same time");
  }
  Dict named;
  for (const auto& [name, value] : arguments.named) named.set(Text(name), value);
  return percent_format(runtime, text, named);
}

Text indentation(Runtime& runtime, const Parameters& given) {
  if (given.given(0) && given[0].text()) return *given[0].text();
  const Int width = std::max<Int>(given.integer(0, 4), 0);
  runtime.build(static_cast<std::uint64_t>(std::min(width, Int{1} << 62)));
  return Text(std::string(static_cast<std::size_t>(width), ' '), Origin::template_text);
}

Value indent(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("indent", arguments, {"width", "first", "blank"});
  input.require_defined();
  if (!input.text()) fail(ErrorKind::bad_input, "indent() works on str, not {}", input.type_name());
  const Text margin = indentation(runtime, given);
  const Text newline("\n", Origin::template_text);
  Text text = *input.text();
  text.append(newline);  // so that the last line has an end like the others
  Text out;
  out.set_escaped(text.escaped());
  if (given.truth(1)) runtime.append(out, margin);
  bool first = true;
  for (const LineSpan& line : lines_of(text.bytes())) {
    runtime.step();
    if (!first) {
      runtime.append(out, newline);
      if (line.end > line.begin || given.truth(2)) runtime.append(out, margin);
    }
    first = false;
    runtime.append(out, text.slice(line.begin, line.end));
  }
  return out;
}

Value join(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("join", arguments, {"d", "attribute"});
  const AttributePath path(given.get(1, None{}));
  const Text separator = given.given(0) ? str_of(runtime, given[0]) : Text();
  const Next next = iterate(runtime, input);
  Text out;
  bool first = true;
  while (auto item = next()) {
    if (!first) runtime.append(out, separator);
    first = false;
    runtime.append(out, str_of(runtime, path(runtime, std::move(*item))));
  }
  return out;
}

constexpr NamedFilter kTextFilters[] = {
    {"capitalize", map_filter<capitalize>},
    {"e", escape},
    {"escape", escape},
    {"format", format},
    {"indent", indent},
    {"join", join},
    {"lower", map_filter<lower>},
    {"replace", replace},
    {"safe", safe},
    {"string", string},
    {"title", title_filter},
    {"tojson", tojson},
    {"trim", trim},
    {"upper", map_filter<upper>},
};

}  // namespace

std::span<const NamedFilter> text_filters() { return kTextFilters; }

}  // namespace nestor::chat
