// Members and subscripts: value.name, value[key], value[start:stop:step].
#include "chat/builtins/methods.h"
#include "chat/values/operators.h"
#include "chat/values/repr.h"

namespace nestor::chat {
namespace {

Value no_member(Runtime& runtime, const Value& value, const Value& key) {
  const std::string owner = value.is_none()         ? "None"
                            : value.as<Namespace>() ? "jinja2.utils.Namespace object"
                                                    : value.type_name() + " object";
  if (key.text()) return Value::undefined("'{}' has no attribute {}", owner, in_quotes(key.text()->bytes()));
  const bool printable = key.integer() || key.number() || key.is_none();
  return Value::undefined("{} has no element {}", owner, printable ? repr_of(runtime, key) : "of this kind");
}

Value unsafe(const Value& value, std::string_view name) {
  return Value::undefined("access to attribute {} of '{}' object is unsafe.", in_quotes(name),
                          value.type_name());
}

// A Python attribute; undefined (not nothing) where the sandbox hides it.
std::optional<Value> own_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (name.starts_with("__") && name.ends_with("__") && name.size() > 4) return unsafe(value, name);
  if (value.object()) return value.object()->attribute(runtime, name);
  if (changes_receiver(value, name)) return unsafe(value, name);
  return method_of(value, name);
}

std::optional<Value> own_item(Runtime& runtime, const Value& value, const Value& key) {
  if (value.dict()) {
    if (!is_hashable(key)) return std::nullopt;
    const Value* found = value.dict()->find(key);
    return found ? std::optional<Value>(*found) : std::nullopt;
  }
  if (value.object()) return value.object()->item(key);
  const auto length = length_of(value);
  const auto index = key.integer();
  if (!length || !index) return std::nullopt;
  const Int size = static_cast<Int>(*length);
  const Int i = *index < 0 ? *index + size : *index;
  if (i < 0 || i >= size) return std::nullopt;
  const auto at = static_cast<std::size_t>(i);
  if (value.sequence()) return (*value.sequence())[at];
  runtime.step(value.extent().weight);
  const auto offsets = code_point_offsets(value.text()->bytes());
  return Value(value.text()->slice(offsets[at], offsets[at + 1]));
}

std::optional<Int> bound_of(const Value& value) {
  if (value.is_none()) return std::nullopt;
  value.require_defined();
  if (const auto v = value.integer()) return *v;
  fail(ErrorKind::bad_input, "slice indices must be integers or None");
}

struct Indexes {
  Int start, stop, step;
  std::size_t count;
};

// Python's slice.indices() and the number of elements between them.
Indexes indexes_of(std::size_t length, const Value& start, const Value& stop, const Value& step) {
  const Int size = static_cast<Int>(length);
  const Int stride = bound_of(step).value_or(1);
  if (stride == 0) fail(ErrorKind::bad_input, "slice step cannot be zero");
  const Int lowest = stride > 0 ? 0 : -1;
  const Int highest = stride > 0 ? size : size - 1;
  const auto clamped = [&](const Value& bound, Int otherwise) {
    const auto v = bound_of(bound);
    if (!v) return otherwise;
    return std::clamp(*v < 0 ? *v + size : *v, lowest, highest);
  };
  const Int first = clamped(start, stride > 0 ? lowest : highest);
  const Int last = clamped(stop, stride > 0 ? highest : lowest);
  const Int span = stride > 0 ? last - first : first - last;
  const Int width = stride > 0 ? stride : -stride;
  return {first, last, stride, span <= 0 ? 0 : static_cast<std::size_t>((span - 1) / width + 1)};
}

Value slice_text(Runtime& runtime, const Text& text, const Indexes& at) {
  const auto offsets = code_point_offsets(text.bytes());
  const auto index = [&](std::size_t i) {
    return static_cast<std::size_t>(at.start + static_cast<Int>(i) * at.step);
  };
  if (at.count == 0) return Text("", Origin::template_text, text.escaped());
  if (at.step == 1) return runtime.text(text.slice(offsets[index(0)], offsets[index(0) + at.count]));
  Text out;
  out.set_escaped(text.escaped());
  for (std::size_t i = 0; i < at.count; ++i) {
    runtime.step();
    out.append(text.slice(offsets[index(i)], offsets[index(i) + 1]));
  }
  return runtime.text(std::move(out));
}

}  // namespace

Value attribute(Runtime& runtime, const Value& value, std::string_view name) {
  value.require_defined();
  if (const auto found = own_attribute(runtime, value, name)) return *found;
  const Value key = Text(std::string(name), Origin::template_text);
  if (const auto found = own_item(runtime, value, key)) return *found;
  return no_member(runtime, value, key);
}

Value item(Runtime& runtime, const Value& value, const Value& key) {
  value.require_defined();
  if (const auto found = own_item(runtime, value, key)) return *found;
  if (key.text()) {
    if (const auto found = own_attribute(runtime, value, key.text()->bytes())) return *found;
  }
  return no_member(runtime, value, key);
}

Value slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop, const Value& step) {
  value.require_defined();
  const auto* range = value.as<Range>();
  if (!value.text() && !value.sequence() && !range) {
    fail(ErrorKind::bad_input, "'{}' object cannot be sliced", value.type_name());
  }
  const Indexes at = indexes_of(*length_of(value), start, stop, step);
  if (range) return range->slice(at.start, at.stop, at.step);
  if (value.text()) return slice_text(runtime, *value.text(), at);
  std::vector<Value> items;
  runtime.build(at.count * sizeof(Value));
  for (std::size_t i = 0; i < at.count; ++i) {
    items.push_back((*value.sequence())[static_cast<std::size_t>(at.start + static_cast<Int>(i) * at.step)]);
  }
  return value.list() ? Value(List(std::move(items))) : Value(Tuple(std::move(items)));
}

}  // namespace nestor::chat
