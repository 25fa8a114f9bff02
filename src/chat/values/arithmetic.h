// Arithmetic with Python's rules; integers beyond 128 bits are an error.
#pragma once

#include <optional>

#include "chat/syntax/ast.h"
#include "chat/values/value.h"

namespace nestor::chat {

/// Nothing where an operand is no number.
std::optional<Value> number_arithmetic(BinaryOp op, const Value& left, const Value& right);

/// 10 to the power of `exponent` as an integer; fails beyond 128 bits. Requires exponent >= 0.
Int power_of_ten(Int exponent);

/// The integer part of a float; fails for infinite values, not-a-number and beyond 128 bits.
Int truncated(double value);

}  // namespace nestor::chat
