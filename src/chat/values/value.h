// The values of the template language: Python's, as far as templates use them. Values are immutable; what can
// change (namespaces, generators, loops) is an Object.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "chat/values/text.h"

namespace nestor::chat {

class Object;
class Value;

/// Python's integers have no limit; these have 128 bits, and what does not fit is an error.
__extension__ typedef __int128 Int;

struct None {};

/// A name or member that is not there: prints as nothing, is false, and `message` says what a use of it fails
/// with.
struct Undefined {
  std::shared_ptr<const std::string> message;
};

/// Bounds of a container: they bound every walk over a value, its destruction included.
inline constexpr int kMaxNesting = 200;
inline constexpr std::uint64_t kMaxWeight = std::uint64_t{1} << 26;

/// The size of a value written out as a tree: levels of containers, and roughly the work of a walk over it.
struct Extent {
  int nesting = 0;
  std::uint64_t weight = 1;
  /// Takes in a part one level below; fails beyond the bounds.
  void include(const Extent& part);
};

struct List {
  explicit List(std::vector<Value> values);
  std::vector<Value> items;
  Extent extent{1, 1};
};

/// The same as a list, but immutable to Python: printed with parentheses, usable as a key.
struct Tuple : List {
  using List::List;
};

/// Keys keep their order. Keys are equal as in Python: 1, 1.0 and true are one key.
class Dict {
 public:
  using Entry = std::pair<Value, Value>;

  Dict();
  /// Adds or replaces; fails for a key that is not hashable.
  void set(Value key, Value value);
  /// nullptr where there is none; fails for a key that is not hashable.
  const Value* find(const Value& key) const;
  const std::vector<Entry>& entries() const { return entries_; }
  const Extent& extent() const { return extent_; }

 private:
  std::optional<std::size_t> position(const Value& key, std::size_t hash) const;

  std::vector<Entry> entries_;
  std::unordered_multimap<std::size_t, std::size_t> by_hash_;
  Extent extent_{1, 1};
};

class Value {
 public:
  using TextPtr = std::shared_ptr<const Text>;
  using ListPtr = std::shared_ptr<const List>;
  using TuplePtr = std::shared_ptr<const Tuple>;
  using DictPtr = std::shared_ptr<const Dict>;
  using ObjectPtr = std::shared_ptr<Object>;

  Value() = default;
  Value(None) {}
  // Only from exactly these types: a pointer must not become a boolean, nor an int a float.
  template <typename T>
  requires std::same_as<T, bool> || std::same_as<T, Int> || std::same_as<T, double> Value(T v) : held_(v) {}
  Value(Text text) : held_(std::make_shared<const Text>(std::move(text))) {}
  Value(List list) : held_(std::make_shared<const List>(std::move(list))) {}
  Value(Tuple tuple) : held_(std::make_shared<const Tuple>(std::move(tuple))) {}
  Value(Dict dict) : held_(std::make_shared<const Dict>(std::move(dict))) {}
  Value(DictPtr dict) : held_(std::move(dict)) {}
  Value(ObjectPtr object) : held_(std::move(object)) {}
  template <typename T>
  requires std::derived_from<T, Object> Value(std::shared_ptr<T> object)
      : held_(ObjectPtr(std::move(object))) {}

  static Value of_size(std::size_t v) { return Value(static_cast<Int>(v)); }
  static Value undefined(std::string message);
  template <typename... Args>
  static Value undefined(fmt::format_string<Args...> format, Args&&... args) {
    return undefined(fmt::format(format, std::forward<Args>(args)...));
  }

  bool is_undefined() const { return std::holds_alternative<Undefined>(held_); }
  bool is_none() const { return std::holds_alternative<None>(held_); }
  const bool* boolean() const { return std::get_if<bool>(&held_); }
  const double* number() const { return std::get_if<double>(&held_); }
  const Text* text() const { return pointee<TextPtr>(); }
  const List* list() const { return pointee<ListPtr>(); }
  const Tuple* tuple() const { return pointee<TuplePtr>(); }
  const Dict* dict() const { return pointee<DictPtr>(); }
  Object* object() const { return pointee<ObjectPtr>(); }
  /// The object as a T, or nullptr.
  template <typename T>
  T* as() const {
    return dynamic_cast<T*>(object());
  }
  DictPtr dict_pointer() const { return std::get<DictPtr>(held_); }

  /// An integer that is not a boolean.
  const Int* exact_integer() const { return std::get_if<Int>(&held_); }
  /// An integer or a boolean, which Python counts as one.
  std::optional<Int> integer() const;
  /// Any number: integer, boolean or float.
  std::optional<double> real() const;
  /// The elements of a list or a tuple, else nullptr.
  const std::vector<Value>* sequence() const;

  /// Fails with the message of an undefined value; does nothing for others.
  void require_defined() const;
  /// Python's name of the type ("str", "NoneType"), for messages.
  std::string type_name() const;
  Extent extent() const;

 private:
  template <typename Pointer>
  typename Pointer::element_type* pointee() const {
    const Pointer* p = std::get_if<Pointer>(&held_);
    return p ? p->get() : nullptr;
  }

  std::variant<None, Undefined, bool, Int, double, TextPtr, ListPtr, TuplePtr, DictPtr, ObjectPtr> held_;
};

bool truth(const Value& value);
/// Python's ==.
bool equal(const Value& a, const Value& b);
/// Python's a < b; fails where Python raises TypeError. `op` is the operator named in the message.
bool less(const Value& a, const Value& b, std::string_view op = "<");
/// Equal values have equal hashes; fails for lists, dicts and other unhashable values.
std::size_t hash_of(const Value& value);
bool is_hashable(const Value& value);
/// Number of elements or code points; nothing for a value without a length.
std::optional<std::size_t> length_of(const Value& value);

/// A JSON document as a value; every string in it has the given origin.
Value from_json(const Json& json, Origin origin);

}  // namespace nestor::chat
