// Filters over sequences.
#include "chat/builtins/filter_table.h"
#include "chat/builtins/tests.h"
#include "chat/values/number_text.h"
#include "chat/values/operators.h"
#include "chat/values/unicode.h"

namespace nestor::chat {
namespace {

Value otherwise(Runtime&, const Value& input, const Arguments& arguments) {
  const Parameters given("default", arguments, {"default_value", "boolean"});
  const bool replaced = input.is_undefined() || (given.truth(1) && !truth(input));
  return replaced ? given.get(0, Text("", Origin::template_text)) : input;
}

Value first(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("first", arguments, {});
  return iterate(runtime, input)().value_or(Value::undefined("No first item, sequence was empty."));
}

Value last(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("last", arguments, {});
  const Next next = iterate_backwards(runtime, input);
  if (!next) fail(ErrorKind::bad_input, "'{}' object is not reversible", input.type_name());
  return next().value_or(Value::undefined("No last item, sequence was empty."));
}

Value length(Runtime&, const Value& input, const Arguments& arguments) {
  const Parameters none("length", arguments, {});
  const auto size = length_of(input);
  if (!size) fail(ErrorKind::bad_input, "object of type '{}' has no len()", input.type_name());
  return Value::of_size(*size);
}

Value list(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("list", arguments, {});
  return List(elements(runtime, input));
}

Value items(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("items", arguments, {});
  // Even the check for a mapping waits until somebody walks the result.
  return Value(std::make_shared<Generator>(
      [&runtime, input, next = Next()]() mutable -> std::optional<Value> {
        if (input.is_undefined()) return std::nullopt;
        if (!input.dict()) fail(ErrorKind::bad_input, "Can only get item pairs from a mapping.");
        if (!next) next = std::make_shared<DictView>(input.dict_pointer(), DictView::Part::items)->iterate();
        runtime.step();
        return next();
      },
      input.extent()));
}

Value reverse(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters none("reverse", arguments, {});
  if (input.text()) return slice(runtime, input, None{}, None{}, Int{-1});
  if (Next next = iterate_backwards(runtime, input)) {
    return Value(std::make_shared<Generator>(std::move(next), input.extent()));
  }
  if (!is_iterable(input)) fail(ErrorKind::bad_input, "argument must be iterable");
  std::vector<Value> all = elements(runtime, input);
  return List({all.rbegin(), all.rend()});
}

// The extent of everything a lazy filter holds on to.
Extent extent_of(const Value& input, const Arguments& arguments) {
  Extent extent;
  extent.include(input.extent());
  for (const Value& value : arguments.positional) extent.include(value.extent());
  for (const auto& [name, value] : arguments.named) extent.include(value.extent());
  return extent;
}

using Transform = std::function<Value(const Value&)>;

Transform map_transform(Runtime& runtime, const Arguments& arguments) {
  if (arguments.positional.empty()) {
    const Parameters given("map", arguments, {"attribute", "default"});
    if (!given.given(0)) fail(ErrorKind::bad_input, "map requires a filter argument");
    std::optional<Value> fallback;
    if (given.given(1) && !given[1].is_none()) fallback = given[1];
    return [&runtime, path = AttributePath(given[0], fallback)](const Value& v) { return path(runtime, v); };
  }
  const Value name = arguments.positional.front();
  if (!name.text())
    fail(ErrorKind::bad_input, "map: the name of a filter must be str, not {}", name.type_name());
  Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
  return [&runtime, name, rest = std::move(rest)](const Value& v) {
    return apply_filter(runtime, name.text()->bytes(), v, rest);
  };
}

// Generators are empty for a false input without a look at their arguments.
Value map(Runtime& runtime, const Value& input, const Arguments& arguments) {
  auto next = [&runtime, input, arguments, source = Next(),
               transform = Transform()]() mutable -> std::optional<Value> {
    if (!truth(input)) return std::nullopt;
    if (!source) {
      transform = map_transform(runtime, arguments);
      source = iterate(runtime, input);
    }
    auto item = source();
    return item ? std::optional<Value>(transform(*item)) : std::nullopt;
  };
  return Value(std::make_shared<Generator>(std::move(next), extent_of(input, arguments)));
}

enum class Keep { fulfilling, failing };
enum class Look { item, attribute };

using Predicate = std::function<bool(const Value&)>;

Predicate predicate(Runtime& runtime, const Arguments& arguments, Look look) {
  const auto& given = arguments.positional;
  const std::size_t name_at = look == Look::attribute ? 1 : 0;
  if (given.size() < name_at) fail(ErrorKind::bad_input, "Missing parameter for attribute name");
  const AttributePath path(look == Look::attribute ? given[0] : Value(None{}));
  if (given.size() == name_at) {
    return [&runtime, path](const Value& v) { return truth(path(runtime, v)); };
  }
  const Value name = given[name_at];
  if (!name.text()) fail(ErrorKind::bad_input, "the name of a test must be str, not {}", name.type_name());
  Arguments rest{{given.begin() + static_cast<std::ptrdiff_t>(name_at) + 1, given.end()}, arguments.named};
  return [&runtime, path, name, rest = std::move(rest)](const Value& v) {
    return apply_test(runtime, name.text()->bytes(), path(runtime, v), rest);
  };
}

template <Keep keep, Look look>
Value select(Runtime& runtime, const Value& input, const Arguments& arguments) {
  auto next = [&runtime, input, arguments, source = Next(),
               test = Predicate()]() mutable -> std::optional<Value> {
    if (!truth(input)) return std::nullopt;
    if (!source) {
      test = predicate(runtime, arguments, look);
      source = iterate(runtime, input);
    }
    while (auto item = source()) {
      if (test(*item) == (keep == Keep::fulfilling)) return item;
    }
    return std::nullopt;
  };
  return Value(std::make_shared<Generator>(std::move(next), extent_of(input, arguments)));
}

constexpr NamedFilter kSequenceFilters[] = {
    {"count", length},
    {"d", otherwise},
    {"default", otherwise},
    {"first", first},
    {"items", items},
    {"last", last},
    {"length", length},
    {"list", list},
    {"map", map},
    {"reject", select<Keep::failing, Look::item>},
    {"rejectattr", select<Keep::failing, Look::attribute>},
    {"reverse", reverse},
    {"select", select<Keep::fulfilling, Look::item>},
    {"selectattr", select<Keep::fulfilling, Look::attribute>},
};

}  // namespace

std::span<const NamedFilter> sequence_filters() { return kSequenceFilters; }

AttributePath::AttributePath(const Value& attribute, std::optional<Value> fallback)
    : fallback_(std::move(fallback)) {
  if (attribute.is_none()) return;
  if (!attribute.text()) {
    parts_.push_back(attribute);
    return;
  }
  const std::string& path = attribute.text()->bytes();
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('.', begin), path.size());
    const std::string part = path.substr(begin, end - begin);
    const bool is_index = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
    const auto index = is_index ? integer_of_text(part, 10) : std::nullopt;
    parts_.push_back(index ? Value(*index) : Value(Text(part, attribute.text()->origin())));
    begin = end + 1;
  }
}

Value AttributePath::operator()(Runtime& runtime, Value value) const {
  for (const Value& part : parts_) {
    value = item(runtime, value, part);
    if (fallback_ && value.is_undefined()) value = *fallback_;
  }
  return value;
}

Value comparable(const Value& value, Case mode) {
  if (mode == Case::matters || !value.text()) return value;
  return Text(lower(value.text()->bytes()));
}

}  // namespace nestor::chat
