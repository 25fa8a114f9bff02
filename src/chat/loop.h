// The variable `loop` inside a for block.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "chat/values/object.h"

namespace nestor::chat {

class Loop : public Object {
 public:
  /// Renders the loop once more over other elements (`loop(children)` in a recursive loop).
  using Recurse = std::function<Value(const Value& iterable)>;

  /// `depth0`: recursive loops around this one. `recurse` may be null.
  Loop(Runtime& runtime, const Value& iterable, int depth0, Recurse recurse);

  /// The next element, which becomes the current one.
  std::optional<Value> advance();

  std::string type_name() const override { return "LoopContext"; }
  std::optional<Value> attribute(Runtime&, std::string_view name) override;
  bool callable() const override { return true; }
  Value call(Runtime&, const Arguments& arguments) override;
  void release() override;

 private:
  const std::optional<Value>& peek();
  Int total();
  Value cycle(const Arguments& arguments) const;
  Value changed(const Arguments& arguments);

  Runtime& runtime_;
  Next next_;
  std::optional<std::size_t> length_;
  int depth0_;
  Recurse recurse_;
  Int index0_ = -1;
  bool peeked_ = false;
  std::optional<Value> after_, current_, before_, last_changed_;
};

}  // namespace nestor::chat
