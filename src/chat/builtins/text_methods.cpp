#include "chat/builtins/text_methods.h"

#include <algorithm>
#include <limits>

#include "base/utf8.h"
#include "chat/values/operators.h"
#include "chat/values/percent_format.h"
#include "chat/values/split.h"
#include "chat/values/unicode.h"

namespace nestor::chat {
namespace {

using Result = TextMethod::Result;

template <std::string (*map)(std::string_view)>
Value map_method(Runtime& runtime, const Text& self, const Arguments& arguments) {
  const Parameters none("method", arguments, {});
  return mapped(runtime, self, map);
}

template <Sides sides>
Value strip_method(Runtime& runtime, const Text& self, const Arguments& arguments) {
  const Parameters given("strip", arguments, {"/chars"});
  const bool spaces = !given.given(0) || given[0].is_none();
  return runtime.text(stripped(self, sides, spaces ? nullptr : &given.text(0)));
}

// isalpha and the like: true for every character of a text that is not empty.
template <bool (*is)(CodePoint)>
Value all_method(Runtime&, const Text& self, const Arguments& arguments) {
  const Parameters none("method", arguments, {});
  const auto text = decoded(self.bytes());
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char32_t c) { return is(c); });
}

bool is_alphanumeric(CodePoint c) {
  return is_alphabetic(c) || is_decimal(c) || is_digit(c) || is_numeric(c);
}

// isupper: at least one cased character, none of the other case.
template <bool (*wanted)(CodePoint), bool (*other)(CodePoint)>
Value case_method(Runtime&, const Text& self, const Arguments& arguments) {
  const Parameters none("method", arguments, {});
  bool any = false;
  for (const char32_t c : decoded(self.bytes())) {
    if (other(c) || is_title(c)) return false;
    any = any || wanted(c);
  }
  return any;
}

// The part of a text that find, count, startswith, ... look at: their arguments start and end.
struct Window {
  std::vector<std::size_t> offsets;
  std::size_t begin, end;
  bool empty_match_allowed;  // start lies inside the text
};

Window window(const Text& self, const Parameters& given) {
  Window w{code_point_offsets(self.bytes()), 0, 0, true};
  const Int size = static_cast<Int>(w.offsets.size()) - 1;
  const auto index = [&](std::size_t i, Int otherwise) {
    const Int v = given.given(i) && !given[i].is_none() ? given.integer(i, 0) : otherwise;
    return v < 0 ? std::max<Int>(v + size, 0) : v;
  };
  const Int first = index(1, 0);
  const Int last = std::min(index(2, size), size);
  w.empty_match_allowed = first <= last;
  w.begin = w.offsets[static_cast<std::size_t>(std::min(first, size))];
  w.end = std::max(w.offsets[static_cast<std::size_t>(last)], w.begin);
  return w;
}

enum class Search { first, last };

// Position in code points, -1 where there is none.
Int position(const Text& self, const Parameters& given, Search search) {
  const Window w = window(self, given);
  const std::string& needle = given.text(0).bytes();
  if (!w.empty_match_allowed) return -1;
  const std::string_view part = std::string_view(self.bytes()).substr(w.begin, w.end - w.begin);
  const std::size_t at = search == Search::first ? find_bytes(part, needle) : part.rfind(needle);
  if (at == std::string_view::npos) return -1;
  return std::lower_bound(w.offsets.begin(), w.offsets.end(), w.begin + at) - w.offsets.begin();
}

template <Search search>
Value find_method(Runtime&, const Text& self, const Arguments& arguments) {
  return position(self, Parameters("find", arguments, {"/sub", "/start", "/end"}, 1), search);
}

template <Search search>
Value index_method(Runtime&, const Text& self, const Arguments& arguments) {
  const Int at = position(self, Parameters("index", arguments, {"/sub", "/start", "/end"}, 1), search);
  if (at < 0) fail(ErrorKind::bad_input, "substring not found");
  return at;
}

Value count_method(Runtime&, const Text& self, const Arguments& arguments) {
  const Parameters given("count", arguments, {"/sub", "/start", "/end"}, 1);
  const Window w = window(self, given);
  const std::string& needle = given.text(0).bytes();
  if (!w.empty_match_allowed) return Int{0};
  const std::string_view part = std::string_view(self.bytes()).substr(w.begin, w.end - w.begin);
  if (needle.empty()) return Value::of_size(code_points(part) + 1);
  std::size_t count = 0;
  for (std::size_t at = find_bytes(part, needle); at != std::string_view::npos;
       at = find_bytes(part, needle, at + needle.size())) {
    ++count;
  }
  return Value::of_size(count);
}

enum class End { start, end };

template <End end>
Value affix_method(Runtime&, const Text& self, const Arguments& arguments) {
  const Parameters given("startswith", arguments, {"/affix", "/start", "/end"}, 1);
  const Window w = window(self, given);
  const std::string_view part = std::string_view(self.bytes()).substr(w.begin, w.end - w.begin);
  const auto matches = [&](const Value& affix) {
    if (!affix.text()) fail(ErrorKind::bad_input, "startswith or endswith: not a str: {}", affix.type_name());
    const std::string& bytes = affix.text()->bytes();
    return w.empty_match_allowed && (end == End::start ? part.starts_with(bytes) : part.ends_with(bytes));
  };
  given[0].require_defined();
  if (const Tuple* affixes = given[0].tuple()) {
    return std::any_of(affixes->items.begin(), affixes->items.end(), matches);
  }
  return matches(given[0]);
}

template <End end>
Value remove_method(Runtime&, const Text& self, const Arguments& arguments) {
  const Parameters given("removeprefix", arguments, {"/affix"}, 1);
  const std::string& affix = given.text(0).bytes();
  if (end == End::start) return self.slice(self.bytes().starts_with(affix) ? affix.size() : 0, self.size());
  return self.slice(0, self.size() - (self.bytes().ends_with(affix) ? affix.size() : 0));
}

Value replace_method(Runtime& runtime, const Text& self, const Arguments& arguments) {
  const Parameters given("replace", arguments, {"/old", "/new", "/count"}, 2);
  return replaced(runtime, self, given.text(0), given.text(1), given.integer(2, -1));
}

Value join_method(Runtime& runtime, const Text& self, const Arguments& arguments) {
  const Parameters given("join", arguments, {"/iterable"}, 1);
  return joined(runtime, self, elements(runtime, given[0]));
}

Value format_method(Runtime& runtime, const Text& self, const Arguments& arguments) {
  return brace_format(runtime, self, arguments);
}

Value zfill_method(Runtime& runtime, const Text& self, const Arguments& arguments) {
  const Parameters given("zfill", arguments, {"/width"}, 1);
  const Int missing = given.integer(0, 0) - static_cast<Int>(code_points(self.bytes()));
  if (missing <= 0) return self;
  runtime.build(static_cast<std::uint64_t>(std::min(missing, Int{1} << 62)));
  const bool has_sign = self.bytes().starts_with('-') || self.bytes().starts_with('+');
  Text out = self.slice(0, has_sign ? 1 : 0);
  out.append(std::string(static_cast<std::size_t>(missing), '0'), Origin::input);
  out.append(self.slice(has_sign ? 1 : 0, self.size()));
  return out;
}

constexpr TextMethod kMethods[] = {
    {"capitalize", map_method<capitalize>, Result::text},
    {"count", count_method, Result::other},
    {"endswith", affix_method<End::end>, Result::other},
    {"find", find_method<Search::first>, Result::other},
    {"format", format_method, Result::text},
    {"index", index_method<Search::first>, Result::other},
    {"isalnum", all_method<is_alphanumeric>, Result::other},
    {"isalpha", all_method<is_alphabetic>, Result::other},
    {"isdecimal", all_method<is_decimal>, Result::other},
    {"isdigit", all_method<is_digit>, Result::other},
    {"islower", case_method<is_lower, is_upper>, Result::other},
    {"isnumeric", all_method<is_numeric>, Result::other},
    {"isspace", all_method<is_space>, Result::other},
    {"isupper", case_method<is_upper, is_lower>, Result::other},
    {"join", join_method, Result::text},
    {"lower", map_method<lower>, Result::text},
    {"lstrip", strip_method<Sides::left>, Result::text},
    {"partition", partition_method<Direction::forwards>, Result::text},
    {"removeprefix", remove_method<End::start>, Result::text},
    {"removesuffix", remove_method<End::end>, Result::text},
    {"replace", replace_method, Result::text},
    {"rfind", find_method<Search::last>, Result::other},
    {"rindex", index_method<Search::last>, Result::other},
    {"rpartition", partition_method<Direction::backwards>, Result::text},
    {"rsplit", split_method<Direction::backwards>, Result::text},
    {"rstrip", strip_method<Sides::right>, Result::text},
    {"split", split_method<Direction::forwards>, Result::text},
    {"splitlines", splitlines_method, Result::text},
    {"startswith", affix_method<End::start>, Result::other},
    {"strip", strip_method<Sides::both>, Result::text},
    {"swapcase", map_method<swapcase>, Result::text},
    {"title", map_method<title>, Result::text},
    {"upper", map_method<upper>, Result::text},
    {"zfill", zfill_method, Result::text},
};

}  // namespace

const TextMethod* find_text_method(std::string_view name) {
  const auto* it = std::find_if(std::begin(kMethods), std::end(kMethods),
                                [&](const TextMethod& method) { return method.name == name; });
  return it == std::end(kMethods) ? nullptr : it;
}

Value call_text_method(Runtime& runtime, const TextMethod& method, const Text& self,
                       const Arguments& arguments) {
  // Escaped text escapes the arguments of its methods; nobody needs that in a chat template.
  if (self.escaped() == Escaped::yes && method.result == Result::text &&
      !(arguments.positional.empty() && arguments.named.empty())) {
    fail(ErrorKind::unsupported, "{}() with arguments on escaped text is not supported", method.name);
  }
  return method.body(runtime, self, arguments);
}

Value mapped(Runtime& runtime, const Text& text, std::string (*map)(std::string_view)) {
  return runtime.text(Text(map(text.bytes()), text.origin(), text.escaped()));
}

Text stripped(const Text& text, Sides sides, const Text* characters) {
  const std::string_view bytes = text.bytes();
  std::size_t begin = 0, end = bytes.size();
  if (!characters) {
    if (sides != Sides::left) end = skip_space_backwards(bytes);
    if (sides != Sides::right) begin = skip_space(bytes.substr(0, end));
    return text.slice(begin, end);
  }
  std::u32string set = decoded(characters->bytes());
  std::sort(set.begin(), set.end());
  const auto offsets = code_point_offsets(bytes);
  const auto in_set = [&](std::size_t i) {
    return std::binary_search(set.begin(), set.end(),
                              static_cast<char32_t>(decode_utf8(bytes, offsets[i]).code_point));
  };
  std::size_t first = 0, last = offsets.size() - 1;
  while (sides != Sides::right && first < last && in_set(first)) ++first;
  while (sides != Sides::left && first < last && in_set(last - 1)) --last;
  return text.slice(offsets[first], offsets[last]);
}

Text replaced(Runtime& runtime, const Text& text, const Text& old, const Text& with, Int count) {
  const std::string& bytes = text.bytes();
  Int left = count < 0 ? std::numeric_limits<std::int64_t>::max() : count;
  Text out;
  std::size_t copied = 0;
  const auto put = [&](std::size_t at, std::size_t length) {
    runtime.step();
    runtime.append(out, text.slice(copied, at));
    runtime.append(out, with);
    copied = at + length;
    --left;
  };
  if (old.empty()) {
    for (const std::size_t at : code_point_offsets(bytes)) {
      if (left > 0) put(at, 0);
    }
  } else {
    for (std::size_t at = find_bytes(bytes, old.bytes()); at != std::string::npos && left > 0;
         at = find_bytes(bytes, old.bytes(), copied)) {
      put(at, old.size());
    }
  }
  runtime.append(out, text.slice(copied, bytes.size()));
  return out;
}

Text joined(Runtime& runtime, const Text& separator, const std::vector<Value>& items) {
  Text out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (!items[i].text()) {
      fail(ErrorKind::bad_input, "sequence item {}: expected str instance, {} found", i,
           items[i].type_name());
    }
    if (i > 0) runtime.append(out, separator);
    runtime.append(out, *items[i].text());
  }
  return out;
}

}  // namespace nestor::chat
