#include "chat/loop.h"

#include "chat/runtime.h"

namespace nestor::chat {

Loop::Loop(Runtime& runtime, const Value& iterable, int depth0, Recurse recurse)
    : runtime_(runtime),
      next_(chat::iterate(runtime, iterable)),
      length_(length_of(iterable)),
      depth0_(depth0),
      recurse_(std::move(recurse)) {}

std::optional<Value> Loop::advance() {
  std::optional<Value> value = peek();
  peeked_ = false;
  if (!value) return value;
  ++index0_;
  before_ = std::move(current_);
  current_ = value;
  return value;
}

const std::optional<Value>& Loop::peek() {
  if (!peeked_) {
    after_ = next_();
    peeked_ = true;
  }
  return after_;
}

// A generator has no length: its rest is read ahead.
Int Loop::total() {
  if (length_) return static_cast<Int>(*length_);
  auto rest = std::make_shared<std::vector<Value>>();
  if (const auto& ahead = peek()) {
    rest->push_back(*ahead);
    while (auto item = next_()) rest->push_back(std::move(*item));
  }
  peeked_ = false;
  length_ = static_cast<std::size_t>(index0_ + 1) + rest->size();
  next_ = [rest, i = std::size_t{0}]() mutable -> std::optional<Value> {
    if (i == rest->size()) return std::nullopt;
    return (*rest)[i++];
  };
  return static_cast<Int>(*length_);
}

std::optional<Value> Loop::attribute(Runtime&, std::string_view name) {
  if (name == "index") return index0_ + 1;
  if (name == "index0") return index0_;
  if (name == "first") return index0_ == 0;
  if (name == "last") return !peek().has_value();
  if (name == "length") return total();
  if (name == "revindex") return total() - index0_;
  if (name == "revindex0") return total() - index0_ - 1;
  if (name == "depth") return static_cast<Int>(depth0_ + 1);
  if (name == "depth0") return static_cast<Int>(depth0_);
  if (name == "previtem") return index0_ > 0 ? *before_ : Value::undefined("there is no previous item");
  if (name == "nextitem") return peek() ? *peek() : Value::undefined("there is no next item");
  if (name == "cycle") {
    return Value(std::make_shared<Function>(
        "cycle", [this](Runtime&, const Arguments& arguments) { return cycle(arguments); }, Extent{}));
  }
  if (name == "changed") {
    return Value(std::make_shared<Function>(
        "changed", [this](Runtime&, const Arguments& arguments) { return changed(arguments); }, Extent{}));
  }
  return std::nullopt;
}

Value Loop::cycle(const Arguments& arguments) const {
  const auto& items = arguments.positional;
  if (items.empty() || !arguments.named.empty()) fail(ErrorKind::bad_input, "no items for cycling given");
  return items[static_cast<std::size_t>(index0_) % items.size()];
}

Value Loop::changed(const Arguments& arguments) {
  if (!arguments.named.empty()) fail(ErrorKind::bad_input, "loop.changed() takes no keyword arguments");
  const Value now = Tuple(arguments.positional);
  runtime_.step(now.extent().weight);
  if (last_changed_ && equal(*last_changed_, now)) return false;
  last_changed_ = now;
  return true;
}

Value Loop::call(Runtime&, const Arguments& arguments) {
  if (!recurse_) {
    fail(ErrorKind::bad_input, "The loop must have the 'recursive' marker to be called recursively.");
  }
  const Parameters given("loop", arguments, {"iterable"}, 1);
  return recurse_(given[0]);
}

void Loop::release() {
  next_ = nullptr;
  recurse_ = nullptr;
  after_ = current_ = before_ = last_changed_ = std::nullopt;
}

}  // namespace nestor::chat
