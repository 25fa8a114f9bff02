#include "chat/values/arithmetic.h"

#include <cmath>

namespace nestor::chat {
namespace {

constexpr Int kMax = (Int{1} << 126) - 1;

[[noreturn]] void too_big() { fail(ErrorKind::unsupported, "an integer grows beyond 126 bits"); }

Int in_bounds(Int value) {
  if (value > kMax || value < -kMax) too_big();
  return value;
}

Int product(Int a, Int b) {
  const Int x = a < 0 ? -a : a;
  const Int y = b < 0 ? -b : b;
  if (x != 0 && y > kMax / x) too_big();
  return a * b;
}

void refuse_zero(bool zero, const char* message) {
  if (zero) fail(ErrorKind::bad_input, "{}", message);
}

Int floor_quotient(Int a, Int b) {
  const Int quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

Int integer_power(Int base, Int exponent) {
  if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  if (exponent > 126) too_big();
  Int result = 1;
  for (Int i = 0; i < exponent; ++i) result = product(result, base);
  return result;
}

double float_power(double base, double exponent) {
  refuse_zero(base == 0 && exponent < 0, "0.0 cannot be raised to a negative power");
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) && exponent != std::floor(exponent)) {
    fail(ErrorKind::unsupported, "a root of a negative number is a complex number");
  }
  const double result = std::pow(base, exponent);
  if (std::isinf(result) && std::isfinite(base) && std::isfinite(exponent)) {
    fail(ErrorKind::bad_input, "the result of ** is too large for a float");
  }
  return result;
}

struct Division {
  double quotient, remainder;
};

// Floor division of floats as Python does it: the remainder has the sign of the divisor.
Division floor_divide(double a, double b) {
  refuse_zero(b == 0, "float floor division or modulo by zero");
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder == 0) {
    remainder = std::copysign(0.0, b);
  } else if ((b < 0) != (remainder < 0)) {
    remainder += b;
    quotient -= 1;
  }
  if (quotient == 0) return {std::copysign(0.0, a / b), remainder};
  const double floored = std::floor(quotient);
  return {quotient - floored > 0.5 ? floored + 1 : floored, remainder};
}

Value integers(BinaryOp op, Int a, Int b) {
  switch (op) {
    case BinaryOp::add:
      return in_bounds(a + b);
    case BinaryOp::subtract:
      return in_bounds(a - b);
    case BinaryOp::multiply:
      return product(a, b);
    case BinaryOp::divide:
      refuse_zero(b == 0, "division by zero");
      return static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b));
    case BinaryOp::floor_divide:
      refuse_zero(b == 0, "integer division or modulo by zero");
      return floor_quotient(a, b);
    case BinaryOp::modulo:
      refuse_zero(b == 0, "integer division or modulo by zero");
      return a - floor_quotient(a, b) * b;
    default:
      return b < 0 ? Value(float_power(static_cast<double>(a), static_cast<double>(b)))
                   : Value(integer_power(a, b));
  }
}

Value floats(BinaryOp op, double a, double b) {
  switch (op) {
    case BinaryOp::add:
      return a + b;
    case BinaryOp::subtract:
      return a - b;
    case BinaryOp::multiply:
      return a * b;
    case BinaryOp::divide:
      refuse_zero(b == 0, "float division by zero");
      return a / b;
    case BinaryOp::floor_divide:
      return floor_divide(a, b).quotient;
    case BinaryOp::modulo:
      return floor_divide(a, b).remainder;
    default:
      return float_power(a, b);
  }
}

}  // namespace

std::optional<Value> number_arithmetic(BinaryOp op, const Value& left, const Value& right) {
  const auto a = left.integer();
  const auto b = right.integer();
  if (a && b) return integers(op, *a, *b);
  const auto x = left.real();
  const auto y = right.real();
  if (x && y) return floats(op, *x, *y);
  return std::nullopt;
}

Int power_of_ten(Int exponent) { return integer_power(10, exponent); }

Int truncated(double value) {
  if (std::isnan(value)) fail(ErrorKind::bad_input, "cannot convert float NaN to integer");
  if (std::isinf(value)) fail(ErrorKind::bad_input, "cannot convert float infinity to integer");
  if (std::fabs(value) > 8e37) too_big();  // below 2^126
  return static_cast<Int>(value);
}

}  // namespace nestor::chat
