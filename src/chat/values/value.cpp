#include "chat/values/value.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/utf8.h"
#include "chat/values/object.h"

namespace nestor::chat {
namespace {

// Numbers compare by value whatever their type; an integer beyond 2^53 must not be rounded for that.
int compare_numbers(const Value& a, const Value& b) {
  const auto x = a.integer();
  const auto y = b.integer();
  if (x && y) return *x < *y ? -1 : (*x > *y ? 1 : 0);
  const long double p = x ? static_cast<long double>(*x) : static_cast<long double>(*a.number());
  const long double q = y ? static_cast<long double>(*y) : static_cast<long double>(*b.number());
  return p < q ? -1 : (p > q ? 1 : 0);
}

bool is_nan(const Value& value) { return value.number() && std::isnan(*value.number()); }

bool equal_items(const std::vector<Value>& a, const std::vector<Value>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
}

bool equal_dicts(const Dict& a, const Dict& b) {
  if (a.entries().size() != b.entries().size()) return false;
  return std::all_of(a.entries().begin(), a.entries().end(), [&](const Dict::Entry& entry) {
    const Value* other = b.find(entry.first);
    return other && equal(entry.second, *other);
  });
}

}  // namespace

void Extent::include(const Extent& part) {
  nesting = std::max(nesting, part.nesting + 1);
  weight += part.weight;
  if (nesting > kMaxNesting) fail(ErrorKind::limit, "a value is nested deeper than {} levels", kMaxNesting);
  if (weight > kMaxWeight) fail(ErrorKind::limit, "a value has more than {} parts", kMaxWeight);
}

List::List(std::vector<Value> values) : items(std::move(values)) {
  for (const Value& item : items) extent.include(item.extent());
}

Dict::Dict() = default;

std::optional<std::size_t> Dict::position(const Value& key, std::size_t hash) const {
  const auto [first, last] = by_hash_.equal_range(hash);
  for (auto it = first; it != last; ++it) {
    if (equal(entries_[it->second].first, key)) return it->second;
  }
  return std::nullopt;
}

void Dict::set(Value key, Value value) {
  extent_.include(key.extent());
  extent_.include(value.extent());
  const std::size_t hash = hash_of(key);
  if (const auto at = position(key, hash)) {
    entries_[*at].second = std::move(value);
    return;
  }
  by_hash_.emplace(hash, entries_.size());
  entries_.emplace_back(std::move(key), std::move(value));
}

const Value* Dict::find(const Value& key) const {
  const auto at = position(key, hash_of(key));
  return at ? &entries_[*at].second : nullptr;
}

Value Value::undefined(std::string message) {
  Value out;
  out.held_ = Undefined{std::make_shared<const std::string>(std::move(message))};
  return out;
}

std::optional<Int> Value::integer() const {
  if (const Int* v = exact_integer()) return *v;
  if (const bool* v = boolean()) return *v ? 1 : 0;
  return std::nullopt;
}

std::optional<double> Value::real() const {
  if (number()) return *number();
  if (const auto v = integer()) return static_cast<double>(*v);
  return std::nullopt;
}

const std::vector<Value>* Value::sequence() const {
  if (const List* l = list()) return &l->items;
  if (const Tuple* t = tuple()) return &t->items;
  return nullptr;
}

void Value::require_defined() const {
  if (const auto* missing = std::get_if<Undefined>(&held_))
    fail(ErrorKind::bad_input, "{}", *missing->message);
}

std::string Value::type_name() const {
  if (is_undefined()) return "Undefined";
  if (is_none()) return "NoneType";
  if (boolean()) return "bool";
  if (exact_integer()) return "int";
  if (number()) return "float";
  if (text()) return text()->escaped() == Escaped::yes ? "Markup" : "str";
  if (list()) return "list";
  if (tuple()) return "tuple";
  if (dict()) return "dict";
  return object()->type_name();
}

Extent Value::extent() const {
  if (text()) return {0, 1 + text()->size() / 64};
  if (list()) return list()->extent;
  if (tuple()) return tuple()->extent;
  if (dict()) return dict()->extent();
  return object() ? object()->extent() : Extent{};
}

bool truth(const Value& value) {
  if (value.is_none() || value.is_undefined()) return false;
  if (value.boolean()) return *value.boolean();
  if (value.exact_integer()) return *value.exact_integer() != 0;
  if (value.number()) return *value.number() != 0;
  const auto length = length_of(value);
  return !length || *length > 0;
}

bool equal(const Value& a, const Value& b) {
  if (a.real() && b.real()) return !is_nan(a) && !is_nan(b) && compare_numbers(a, b) == 0;
  if (a.is_none() || b.is_none()) return a.is_none() && b.is_none();
  if (a.is_undefined() || b.is_undefined()) return a.is_undefined() && b.is_undefined();
  if (a.text() && b.text()) return a.text()->bytes() == b.text()->bytes();
  if (a.list() && b.list()) return equal_items(a.list()->items, b.list()->items);
  if (a.tuple() && b.tuple()) return equal_items(a.tuple()->items, b.tuple()->items);
  if (a.dict() && b.dict()) return equal_dicts(*a.dict(), *b.dict());
  if (a.object() && b.object()) return a.object() == b.object() || a.object()->equals(*b.object());
  return false;
}

bool less(const Value& a, const Value& b, std::string_view op) {
  a.require_defined();
  b.require_defined();
  if (a.real() && b.real()) return !is_nan(a) && !is_nan(b) && compare_numbers(a, b) < 0;
  // Byte order of UTF-8 is code point order.
  if (a.text() && b.text()) return a.text()->bytes() < b.text()->bytes();
  if ((a.list() && b.list()) || (a.tuple() && b.tuple())) {
    const auto& x = *a.sequence();
    const auto& y = *b.sequence();
    for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
      if (!equal(x[i], y[i])) return less(x[i], y[i], op);
    }
    return x.size() < y.size();
  }
  fail(ErrorKind::bad_input, "'{}' not supported between instances of '{}' and '{}'", op, a.type_name(),
       b.type_name());
}

std::size_t hash_of(const Value& value) {
  if (const auto v = value.integer()) return std::hash<double>()(static_cast<double>(*v));
  if (value.number()) return std::hash<double>()(*value.number());
  if (value.text()) return std::hash<std::string>()(value.text()->bytes());
  if (value.tuple()) {
    std::size_t hash = 0x9E3779B97F4A7C15u;
    for (const Value& item : value.tuple()->items) hash = hash * 1000003u ^ hash_of(item);
    return hash;
  }
  if (value.list() || value.dict()) fail(ErrorKind::bad_input, "unhashable type: '{}'", value.type_name());
  if (value.object()) return std::hash<const void*>()(value.object());
  return value.is_none() ? 1 : 2;
}

bool is_hashable(const Value& value) {
  if (value.tuple())
    return std::all_of(value.tuple()->items.begin(), value.tuple()->items.end(), is_hashable);
  return !value.list() && !value.dict();
}

std::optional<std::size_t> length_of(const Value& value) {
  if (value.is_undefined()) return 0;
  if (value.text()) return code_points(value.text()->bytes());
  if (value.sequence()) return value.sequence()->size();
  if (value.dict()) return value.dict()->entries().size();
  return value.object() ? value.object()->length() : std::nullopt;
}

Value from_json(const Json& json, Origin origin) {
  switch (json.type()) {
    case Json::value_t::null:
      return None{};
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return Value(static_cast<Int>(json.get<std::int64_t>()));
    case Json::value_t::number_unsigned:
      return Value(static_cast<Int>(json.get<std::uint64_t>()));
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return Text(sanitized_utf8(json.get_ref<const std::string&>()), origin);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(from_json(item, origin));
      return List(std::move(items));
    }
    case Json::value_t::object: {
      Dict dict;
      for (const auto& [key, item] : json.items()) dict.set(Text(key, origin), from_json(item, origin));
      return dict;
    }
    default:
      fail(ErrorKind::bad_input, "a template variable holds binary data");
  }
}

}  // namespace nestor::chat
