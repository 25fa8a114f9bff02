// The filters by what they work on; filters.cpp puts them together.
#pragma once

#include <functional>
#include <span>

#include "chat/builtins/filters.h"

namespace nestor::chat {

std::span<const NamedFilter> text_filters();
std::span<const NamedFilter> number_filters();
std::span<const NamedFilter> sequence_filters();
std::span<const NamedFilter> order_filters();

/// Looks up 'a.b.0' in a value, part by part as value['a']['b'][0]. With a `fallback`, a missing part becomes
/// it.
class AttributePath {
 public:
  explicit AttributePath(const Value& attribute, std::optional<Value> fallback = std::nullopt);
  Value operator()(Runtime& runtime, Value value) const;

 private:
  std::vector<Value> parts_;
  std::optional<Value> fallback_;
};

/// What the filters `sort`, `unique`, `min`, ... compare: texts in lower case unless case matters.
enum class Case { matters, ignored };
Value comparable(const Value& value, Case mode);

}  // namespace nestor::chat
