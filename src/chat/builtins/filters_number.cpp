// Filters that make numbers.
#include <cmath>

#include "chat/builtins/filter_table.h"
#include "chat/values/arithmetic.h"
#include "chat/values/number_text.h"
#include "chat/values/operators.h"

namespace nestor::chat {
namespace {

Value absolute(Runtime&, const Value& input, const Arguments& arguments) {
  const Parameters none("abs", arguments, {});
  input.require_defined();
  if (const auto v = input.integer()) return *v < 0 ? -*v : *v;
  if (input.number()) return std::fabs(*input.number());
  fail(ErrorKind::bad_input, "bad operand type for abs(): '{}'", input.type_name());
}

Value to_int(Runtime&, const Value& input, const Arguments& arguments) {
  const Parameters given("int", arguments, {"default", "base"});
  const Value otherwise = given.get(0, Int{0});
  input.require_defined();
  if (const auto v = input.integer()) return *v;
  std::optional<double> number;
  if (input.text()) {
    if (const auto v = integer_of_text(input.text()->bytes(), given.integer(1, 10))) return *v;
    number = float_of_text(input.text()->bytes());
  } else if (input.number()) {
    if (std::isinf(*input.number())) fail(ErrorKind::bad_input, "cannot convert float infinity to integer");
    number = *input.number();
  }
  return number && std::isfinite(*number) ? Value(truncated(*number)) : otherwise;
}

Value to_float(Runtime&, const Value& input, const Arguments& arguments) {
  const Parameters given("float", arguments, {"default"});
  input.require_defined();
  if (const auto v = input.real()) return *v;
  const auto number = input.text() ? float_of_text(input.text()->bytes()) : std::nullopt;
  return number ? Value(*number) : given.get(0, 0.0);
}

// Half to even, as Python rounds integers at a negative precision.
Int round_to(Int value, Int unit) {
  Int rest = value % unit;
  if (rest < 0) rest += unit;
  const Int below = value - rest;
  const bool up = rest * 2 > unit || (rest * 2 == unit && (below / unit) % 2 != 0);
  return up ? below + unit : below;
}

double round_common(double value, Int precision) {
  if (!std::isfinite(value)) return value;
  if (precision > 400) return value;
  if (precision < -400) return std::copysign(0.0, value);
  if (precision < 0) {
    const double unit = std::pow(10.0, static_cast<double>(-precision));
    return std::nearbyint(value / unit) * unit;
  }
  // The exact decimal expansion cut after `precision` digits: printf's rule is Python's.
  return *float_of_text(fmt::format("{:.{}f}", value, static_cast<int>(precision)));
}

Value round_up_or_down(const Value& value, Int precision, double (*direction)(double)) {
  const Value unit =
      precision < 0 ? Value(std::pow(10.0, static_cast<double>(precision))) : Value(power_of_ten(precision));
  const Value scaled = *number_arithmetic(BinaryOp::multiply, value, unit);
  const Value whole = scaled.integer() ? scaled : Value(truncated(direction(*scaled.number())));
  return *number_arithmetic(BinaryOp::divide, whole, unit);
}

Value round_number(Runtime&, const Value& input, const Arguments& arguments) {
  const Parameters given("round", arguments, {"precision", "method"});
  const std::string method = given.given(1) ? given.text(1).bytes() : "common";
  if (method != "common" && method != "ceil" && method != "floor") {
    fail(ErrorKind::bad_input, "method must be common, ceil or floor");
  }
  input.require_defined();
  if (!input.real()) fail(ErrorKind::bad_input, "round() works on numbers, not {}", input.type_name());
  const bool no_precision = given.given(0) && given[0].is_none();
  const Int precision = no_precision ? 0 : given.integer(0, 0);
  if (method == "ceil") return round_up_or_down(input, precision, std::ceil);
  if (method == "floor") return round_up_or_down(input, precision, std::floor);
  if (const auto v = input.integer()) {
    if (precision >= 0) return *v;
    return precision < -37 ? Int{0} : round_to(*v, power_of_ten(-precision));
  }
  const double rounded = round_common(*input.number(), precision);
  return no_precision ? Value(truncated(rounded)) : Value(rounded);
}

Value sum(Runtime& runtime, const Value& input, const Arguments& arguments) {
  const Parameters given("sum", arguments, {"attribute", "start"});
  const AttributePath path(given.get(0, None{}));
  Value total = given.get(1, Int{0});
  if (total.text()) fail(ErrorKind::bad_input, "sum() can't sum strings");
  const Next next = iterate(runtime, input);
  while (auto item = next()) total = binary(runtime, BinaryOp::add, total, path(runtime, std::move(*item)));
  return total;
}

constexpr NamedFilter kNumberFilters[] = {
    {"abs", absolute}, {"float", to_float}, {"int", to_int}, {"round", round_number}, {"sum", sum},
};

}  // namespace

std::span<const NamedFilter> number_filters() { return kNumberFilters; }

}  // namespace nestor::chat
