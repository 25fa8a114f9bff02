// Python's operators, members and subscripts.
#pragma once

#include <string_view>

#include "chat/runtime.h"
#include "chat/syntax/ast.h"

namespace nestor::chat {

Value binary(Runtime& runtime, BinaryOp op, const Value& left, const Value& right);
Value negated(const Value& value);
/// Unary plus.
Value unchanged(const Value& value);
bool compare(Runtime& runtime, CompareOp op, const Value& left, const Value& right);
/// `needle in haystack`.
bool contains(Runtime& runtime, const Value& haystack, const Value& needle);

/// value.name: the attribute, else the key; undefined where there is neither.
Value attribute(Runtime& runtime, const Value& value, std::string_view name);
/// value[key]: the key, else the attribute; undefined where there is neither.
Value item(Runtime& runtime, const Value& value, const Value& key);
/// value[start:stop:step]; none for an absent bound.
Value slice(Runtime& runtime, const Value& value, const Value& start, const Value& stop, const Value& step);

/// First occurrence of `needle` at or after `from`, npos if none; linear time.
std::size_t find_bytes(std::string_view haystack, std::string_view needle, std::size_t from = 0);

}  // namespace nestor::chat
