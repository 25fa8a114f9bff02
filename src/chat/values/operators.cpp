#include "chat/values/operators.h"

#include <cmath>
#include <cstring>

#include "chat/syntax/escape.h"
#include "chat/values/arithmetic.h"
#include "chat/values/percent_format.h"

namespace nestor::chat {
namespace {

const char* name_of_op(BinaryOp op) {
  constexpr const char* kNames[] = {"+", "-", "*", "/", "//", "%", "** or pow()"};
  return kNames[static_cast<int>(op)];
}

[[noreturn]] void bad_operands(BinaryOp op, const Value& left, const Value& right) {
  if (op == BinaryOp::add && left.text()) {
    fail(ErrorKind::bad_input, "can only concatenate str (not \"{}\") to str", right.type_name());
  }
  fail(ErrorKind::bad_input, "unsupported operand type(s) for {}: '{}' and '{}'", name_of_op(op),
       left.type_name(), right.type_name());
}

Value joined(Runtime& runtime, const std::vector<Value>& a, const std::vector<Value>& b, bool as_list) {
  runtime.build((a.size() + b.size()) * sizeof(Value));
  std::vector<Value> items = a;
  items.insert(items.end(), b.begin(), b.end());
  return as_list ? Value(List(std::move(items))) : Value(Tuple(std::move(items)));
}

std::optional<Value> add(Runtime& runtime, const Value& left, const Value& right) {
  if (left.list() && right.list()) return joined(runtime, left.list()->items, right.list()->items, true);
  if (left.tuple() && right.tuple()) return joined(runtime, left.tuple()->items, right.tuple()->items, false);
  if (!left.text() || !right.text()) return std::nullopt;
  const bool escaped = left.text()->escaped() == Escaped::yes || right.text()->escaped() == Escaped::yes;
  Text text = escaped ? html_escaped(*left.text()) : *left.text();
  runtime.append(text, escaped ? html_escaped(*right.text()) : *right.text());
  return Value(std::move(text));
}

std::optional<Value> repeat(Runtime& runtime, const Value& value, const Value& count) {
  const auto times = count.integer();
  if (!times || !(value.text() || value.sequence())) return std::nullopt;
  const std::size_t size = value.text() ? value.text()->size() : value.sequence()->size() * sizeof(Value);
  const Int n = *times < 0 || size == 0 ? 0 : *times;
  constexpr Int kTooMany = Int{1} << 40;  // refused by build() below in any case, but without overflow
  runtime.build(size * static_cast<std::uint64_t>(std::min(n, kTooMany)));
  if (value.text()) {
    Text text;
    text.set_escaped(value.text()->escaped());
    Text unit = *value.text();
    for (Int left = n; left > 0;
         left /= 2) {  // by doubling: a one-byte text may be repeated millions of times
      if (left % 2 != 0) text.append(unit);
      if (left > 1) unit.append(Text(unit));
    }
    return Value(std::move(text));
  }
  std::vector<Value> items;
  for (Int i = 0; i < n; ++i) items.insert(items.end(), value.sequence()->begin(), value.sequence()->end());
  return value.list() ? Value(List(std::move(items))) : Value(Tuple(std::move(items)));
}

// The work of comparing two values.
void charge(Runtime& runtime, const Value& a, const Value& b) {
  runtime.step(std::min(a.extent().weight, b.extent().weight));
}

bool in_view(Runtime& runtime, const DictView& view, const Value& needle) {
  if (view.part() == DictView::Part::keys) return view.dict().find(needle) != nullptr;
  for (std::size_t i = 0; i < view.dict().entries().size(); ++i) {
    charge(runtime, view.at(i), needle);
    if (equal(view.at(i), needle)) return true;
  }
  return false;
}

}  // namespace

std::size_t find_bytes(std::string_view haystack, std::string_view needle, std::size_t from) {
  if (from > haystack.size()) return std::string_view::npos;
  const void* found = memmem(haystack.data() + from, haystack.size() - from, needle.data(), needle.size());
  if (!found) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - haystack.data());
}

Value binary(Runtime& runtime, BinaryOp op, const Value& left, const Value& right) {
  left.require_defined();
  if (op == BinaryOp::modulo && left.text()) return Value(percent_format(runtime, *left.text(), right));
  right.require_defined();
  std::optional<Value> result = number_arithmetic(op, left, right);
  if (!result && op == BinaryOp::add) result = add(runtime, left, right);
  if (!result && op == BinaryOp::multiply) result = repeat(runtime, left, right);
  if (!result && op == BinaryOp::multiply) result = repeat(runtime, right, left);
  if (!result) bad_operands(op, left, right);
  return *result;
}

Value negated(const Value& value) {
  value.require_defined();
  if (const auto v = value.integer()) return -*v;
  if (value.number()) return -*value.number();
  fail(ErrorKind::bad_input, "bad operand type for unary -: '{}'", value.type_name());
}

Value unchanged(const Value& value) {
  value.require_defined();
  if (const auto v = value.integer()) return *v;
  if (value.number()) return value;
  fail(ErrorKind::bad_input, "bad operand type for unary +: '{}'", value.type_name());
}

bool compare(Runtime& runtime, CompareOp op, const Value& left, const Value& right) {
  if (op == CompareOp::in) return contains(runtime, right, left);
  if (op == CompareOp::not_in) return !contains(runtime, right, left);
  charge(runtime, left, right);
  switch (op) {
    case CompareOp::eq:
      return equal(left, right);
    case CompareOp::ne:
      return !equal(left, right);
    case CompareOp::lt:
      return less(left, right, "<");
    case CompareOp::gt:
      return less(right, left, ">");
    case CompareOp::le:
      return less(left, right, "<=") || equal(left, right);
    default:
      return less(right, left, ">=") || equal(left, right);
  }
}

bool contains(Runtime& runtime, const Value& haystack, const Value& needle) {
  if (haystack.text()) {
    if (!needle.text()) {
      fail(ErrorKind::bad_input, "'in <string>' requires string as left operand, not {}", needle.type_name());
    }
    runtime.step(haystack.extent().weight);
    return find_bytes(haystack.text()->bytes(), needle.text()->bytes()) != std::string::npos;
  }
  if (haystack.dict()) return haystack.dict()->find(needle) != nullptr;
  if (const auto* view = haystack.as<DictView>()) return in_view(runtime, *view, needle);
  if (!is_iterable(haystack)) {
    fail(ErrorKind::bad_input, "argument of type '{}' is not iterable", haystack.type_name());
  }
  const Next next = iterate(runtime, haystack);
  while (const auto value = next()) {
    charge(runtime, *value, needle);
    if (equal(*value, needle)) return true;
  }
  return false;
}

}  // namespace nestor::chat
