// Values with identity or behaviour: functions, macros, generators, ranges, views, namespaces, loops.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/builtins/arguments.h"
#include "chat/values/value.h"

namespace nestor::chat {

class Runtime;

/// The next element, or nothing at the end. May call back into the template (filters over generators).
using Next = std::function<std::optional<Value>()>;

/// What lives as long as the rendering and then drops what it refers to, because references may form a ring.
class Kept {
 public:
  virtual ~Kept() = default;
  virtual void release() {}
};

class Object : public Kept {
 public:
  virtual std::string type_name() const = 0;
  /// A Python attribute; nothing where the type has none of this name.
  virtual std::optional<Value> attribute(Runtime&, std::string_view) { return std::nullopt; }
  /// obj[key]; nothing where Python raises TypeError or LookupError.
  virtual std::optional<Value> item(const Value&) { return std::nullopt; }
  virtual bool callable() const { return false; }
  virtual Value call(Runtime&, const Arguments&);
  /// nullptr for what cannot be iterated.
  virtual Next iterate() { return nullptr; }
  virtual Next iterate_backwards() { return nullptr; }
  virtual std::optional<std::size_t> length() const { return std::nullopt; }
  virtual bool equals(const Object&) const { return false; }
  virtual Extent extent() const { return {}; }
  /// Python's repr; fails where it would show a memory address.
  virtual std::string repr(Runtime&) const;
};

/// A lazy sequence that can be walked once (Python's generators and iterators): always true, no length.
class Generator : public Object {
 public:
  /// `extent`: of what `next` refers to.
  Generator(Next next, const Extent& source);
  std::string type_name() const override { return "generator"; }
  Next iterate() override { return next_; }
  Extent extent() const override { return extent_; }

 private:
  Next next_;
  Extent extent_;
};

class Range : public Object {
 public:
  Range(Int start, Int stop, Int step);
  std::string type_name() const override { return "range"; }
  std::optional<Value> attribute(Runtime&, std::string_view name) override;
  std::optional<Value> item(const Value& key) override;
  Next iterate() override;
  Next iterate_backwards() override;
  std::optional<std::size_t> length() const override { return size_; }
  bool equals(const Object& other) const override;
  std::string repr(Runtime&) const override;
  bool contains(const Value& value) const;
  /// The elements at the indexes begin, begin + step, ... before `end`, as a range.
  Value slice(Int begin, Int end, Int step) const;

 private:
  Int at(std::size_t i) const { return start_ + static_cast<Int>(i) * step_; }
  Int start_, stop_, step_;
  std::size_t size_ = 0;
};

/// d.keys(), d.values(), d.items().
class DictView : public Object {
 public:
  enum class Part { keys, values, items };
  DictView(Value::DictPtr dict, Part part) : dict_(std::move(dict)), part_(part) {}
  std::string type_name() const override;
  Next iterate() override;
  Next iterate_backwards() override;
  std::optional<std::size_t> length() const override { return dict_->entries().size(); }
  bool equals(const Object& other) const override;
  Extent extent() const override { return dict_->extent(); }
  std::string repr(Runtime&) const override;
  Value at(std::size_t i) const;
  Part part() const { return part_; }
  const Dict& dict() const { return *dict_; }

 private:
  Value::DictPtr dict_;
  Part part_;
};

/// A function or a method bound to its receiver.
class Function : public Object {
 public:
  using Body = std::function<Value(Runtime&, const Arguments&)>;
  /// `receiver`: the extent of what `body` holds.
  Function(std::string name, Body body, const Extent& receiver);
  std::string type_name() const override { return "builtin_function_or_method"; }
  bool callable() const override { return true; }
  Value call(Runtime& runtime, const Arguments& arguments) override { return body_(runtime, arguments); }
  Extent extent() const override { return extent_; }

 private:
  std::string name_;
  Body body_;
  Extent extent_;
};

/// namespace(...): the one thing whose members a template can set.
class Namespace : public Object {
 public:
  std::string type_name() const override { return "Namespace"; }
  std::optional<Value> attribute(Runtime&, std::string_view name) override;
  void set(const std::string& name, Value value);
  std::string repr(Runtime&) const override;
  void release() override { members_.clear(); }

 private:
  std::vector<std::pair<std::string, Value>> members_;
};

/// Walks a value as Python's iter(); fails for what is not iterable. Each step is charged to `runtime`, which
/// must outlive the result.
Next iterate(Runtime& runtime, const Value& value);
/// Python's reversed(); nullptr for what cannot be walked backwards.
Next iterate_backwards(Runtime& runtime, const Value& value);
/// All elements.
std::vector<Value> elements(Runtime& runtime, const Value& value);
bool is_iterable(const Value& value);

}  // namespace nestor::chat
