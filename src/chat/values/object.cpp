#include "chat/values/object.h"

#include "chat/runtime.h"
#include "chat/values/repr.h"

namespace nestor::chat {
namespace {

Extent around(const Extent& part) {
  Extent extent;
  extent.include(part);
  return extent;
}

// Walks indexes 0 .. size-1, or size-1 .. 0.
enum class Direction { forwards, backwards };

template <typename At>
Next walk(std::size_t size, Direction direction, At at) {
  return [size, direction, at, i = std::size_t{0}]() mutable -> std::optional<Value> {
    if (i == size) return std::nullopt;
    const std::size_t index = direction == Direction::forwards ? i : size - 1 - i;
    ++i;
    return at(index);
  };
}

Next walk_value(const Value& value, Direction direction) {
  if (value.is_undefined()) return walk(0, direction, [value](std::size_t) { return value; });
  if (value.sequence()) {
    return walk(value.sequence()->size(), direction,
                [value](std::size_t i) { return (*value.sequence())[i]; });
  }
  if (value.dict()) {
    return walk(value.dict()->entries().size(), direction,
                [value](std::size_t i) { return value.dict()->entries()[i].first; });
  }
  if (const Text* text = value.text()) {
    auto offsets = std::make_shared<const std::vector<std::size_t>>(code_point_offsets(text->bytes()));
    return walk(offsets->size() - 1, direction, [value, offsets](std::size_t i) {
      Text character = value.text()->slice((*offsets)[i], (*offsets)[i + 1]);
      character.set_escaped(Escaped::no);  // the characters of escaped text are plain text
      return Value(std::move(character));
    });
  }
  if (!value.object()) return nullptr;
  return direction == Direction::forwards ? value.object()->iterate() : value.object()->iterate_backwards();
}

// Elements are charged as they come: an endless or huge walk ends by the limit on steps. The depth guard is
// for generators over generators.
Next charged(Runtime& runtime, const Value& value, Next next) {
  if (!next) return nullptr;
  return [&runtime, value, next = std::move(next)]() {
    const Runtime::Depth depth(runtime);
    runtime.step();
    return next();
  };
}

}  // namespace

Value Object::call(Runtime&, const Arguments&) {
  fail(ErrorKind::bad_input, "'{}' object is not callable", type_name());
}

std::string Object::repr(Runtime&) const {
  fail(ErrorKind::unsupported, "printing a {} is not supported; turn it into a list or a text first",
       type_name());
}

Generator::Generator(Next next, const Extent& source) : extent_(around(source)) {
  // One position for all who walk it, as Python's generators have.
  auto shared = std::make_shared<Next>(std::move(next));
  next_ = [shared]() { return (*shared)(); };
}

Range::Range(Int start, Int stop, Int step) : start_(start), stop_(stop), step_(step) {
  constexpr std::size_t kMaxRange = 100'000;
  if (step == 0) fail(ErrorKind::bad_input, "range() arg 3 must not be zero");
  constexpr Int kMaxBound = Int{1} << 100;  // so that the arithmetic below cannot overflow
  for (const Int v : {start, stop, step}) {
    if (v > kMaxBound || v < -kMaxBound) fail(ErrorKind::limit, "range(): a bound is too big");
  }
  const Int span = step > 0 ? stop - start : start - stop;
  const Int stride = step > 0 ? step : -step;
  const Int size = span <= 0 ? 0 : (span - 1) / stride + 1;
  if (size > static_cast<Int>(kMaxRange)) {
    fail(ErrorKind::limit, "Range too big: ranges longer than {} are refused", kMaxRange);
  }
  size_ = static_cast<std::size_t>(size);
}

std::optional<Value> Range::attribute(Runtime&, std::string_view name) {
  if (name == "start") return start_;
  if (name == "stop") return stop_;
  if (name == "step") return step_;
  if (name == "count" || name == "index") {
    fail(ErrorKind::unsupported, "the method range.{}() is not supported", name);
  }
  return std::nullopt;
}

std::optional<Value> Range::item(const Value& key) {
  const auto index = key.integer();
  if (!index) return std::nullopt;
  const Int size = static_cast<Int>(size_);
  const Int i = *index < 0 ? *index + size : *index;
  if (i < 0 || i >= size) return std::nullopt;
  return at(static_cast<std::size_t>(i));
}

Next Range::iterate() {
  return walk(size_, Direction::forwards, [r = *this](std::size_t i) { return Value(r.at(i)); });
}

Next Range::iterate_backwards() {
  return walk(size_, Direction::backwards, [r = *this](std::size_t i) { return Value(r.at(i)); });
}

bool Range::equals(const Object& other) const {
  const auto* range = dynamic_cast<const Range*>(&other);
  if (!range || range->size_ != size_) return false;
  return size_ == 0 || (range->start_ == start_ && (size_ == 1 || range->step_ == step_));
}

std::string Range::repr(Runtime&) const {
  const std::string bounds = "range(" + decimal(start_) + ", " + decimal(stop_);
  return step_ == 1 ? bounds + ")" : bounds + ", " + decimal(step_) + ")";
}

bool Range::contains(const Value& value) const {
  for (std::size_t i = 0; i < size_; ++i) {
    if (equal(at(i), value)) return true;
  }
  return false;
}

Value Range::slice(Int begin, Int end, Int step) const {
  return Value(std::make_shared<Range>(start_ + begin * step_, start_ + end * step_, step * step_));
}

std::string DictView::type_name() const {
  return part_ == Part::keys ? "dict_keys" : part_ == Part::values ? "dict_values" : "dict_items";
}

Value DictView::at(std::size_t i) const {
  const auto& [key, value] = dict_->entries()[i];
  if (part_ == Part::keys) return key;
  return part_ == Part::values ? value : Value(Tuple({key, value}));
}

Next DictView::iterate() {
  return walk(dict_->entries().size(), Direction::forwards, [v = *this](std::size_t i) { return v.at(i); });
}

Next DictView::iterate_backwards() {
  return walk(dict_->entries().size(), Direction::backwards, [v = *this](std::size_t i) { return v.at(i); });
}

bool DictView::equals(const Object& other) const {
  const auto* view = dynamic_cast<const DictView*>(&other);
  if (!view || view->part_ != part_ || part_ == Part::values) return false;
  if (part_ == Part::items) return equal(Value(dict_), Value(view->dict_));
  if (view->dict_->entries().size() != dict_->entries().size()) return false;
  for (const auto& entry : dict_->entries()) {
    if (!view->dict_->find(entry.first)) return false;
  }
  return true;
}

std::string DictView::repr(Runtime& runtime) const {
  std::vector<Value> items;
  for (std::size_t i = 0; i < dict_->entries().size(); ++i) items.push_back(at(i));
  return type_name() + "(" + repr_of(runtime, Value(List(std::move(items)))) + ")";
}

Function::Function(std::string name, Body body, const Extent& receiver)
    : name_(std::move(name)), body_(std::move(body)), extent_(around(receiver)) {}

std::optional<Value> Namespace::attribute(Runtime&, std::string_view name) {
  for (const auto& [key, value] : members_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

void Namespace::set(const std::string& name, Value value) {
  for (auto& [key, old] : members_) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  members_.emplace_back(name, std::move(value));
}

std::string Namespace::repr(Runtime& runtime) const {
  const Runtime::Depth depth(runtime);  // a namespace can hold itself
  Dict members;
  for (const auto& [key, value] : members_) members.set(Text(key), value);
  return "<Namespace " + repr_of(runtime, Value(std::move(members))) + ">";
}

Next iterate(Runtime& runtime, const Value& value) {
  Next next = charged(runtime, value, walk_value(value, Direction::forwards));
  if (!next) fail(ErrorKind::bad_input, "'{}' object is not iterable", value.type_name());
  return next;
}

Next iterate_backwards(Runtime& runtime, const Value& value) {
  return charged(runtime, value, walk_value(value, Direction::backwards));
}

std::vector<Value> elements(Runtime& runtime, const Value& value) {
  std::vector<Value> items;
  const Next next = iterate(runtime, value);
  while (auto item = next()) items.push_back(std::move(*item));
  runtime.build(items.size() * sizeof(Value));
  return items;
}

bool is_iterable(const Value& value) {
  if (value.object()) return value.object()->iterate() != nullptr;
  return value.is_undefined() || value.text() || value.sequence() || value.dict();
}

}  // namespace nestor::chat
