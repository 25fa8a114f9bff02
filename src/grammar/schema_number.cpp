// Schemas of numbers.
#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/error.h"
#include "base/excerpt.h"
#include "base/json.h"
#include "grammar/formats.h"
#include "grammar/number.h"
#include "grammar/schema_compiler.h"

namespace nestor::grammar {
namespace {

// A number among the keywords, or nothing.
const Json* find_number(const Json& schema, const char* keyword, const std::string& where) {
  const Json* value = find(schema, keyword);
  if (value != nullptr && !value->is_number()) {
    fail(ErrorKind::bad_input, "{}.{}: expected a number, found {}", where, keyword, excerpt(*value));
  }
  return value;
}

Decimal decimal_of(const Json& value) {
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  return fits ? Decimal::of(value.get<std::int64_t>()) : Decimal::of(value.get<double>());
}

// The inclusive bound, unless the exclusive one is as strict.
std::optional<NumberBound> lower_bound_of(const Json& schema, const std::string& where) {
  const Json* inclusive = find_number(schema, "minimum", where);
  const Json* exclusive = find_number(schema, "exclusiveMinimum", where);
  if (exclusive != nullptr && (inclusive == nullptr || *exclusive >= *inclusive)) {
    return NumberBound{decimal_of(*exclusive), true};
  }
  return inclusive == nullptr ? std::nullopt : std::optional(NumberBound{decimal_of(*inclusive), false});
}

std::optional<NumberBound> upper_bound_of(const Json& schema, const std::string& where) {
  const Json* inclusive = find_number(schema, "maximum", where);
  const Json* exclusive = find_number(schema, "exclusiveMaximum", where);
  if (exclusive != nullptr && (inclusive == nullptr || *exclusive <= *inclusive)) {
    return NumberBound{decimal_of(*exclusive), true};
  }
  return inclusive == nullptr ? std::nullopt : std::optional(NumberBound{decimal_of(*inclusive), false});
}

// 0.1, 0.01 ...: the number of digits behind the point; 0 for all else.
int power_of_tenth(const Decimal& value) {
  const std::string& digits = value.fraction;
  if (value.negative || !value.whole.empty() || digits.empty() || digits.back() != '1') return 0;
  return digits.find_first_not_of('0') + 1 == digits.size() ? static_cast<int>(digits.size()) : 0;
}

void apply_multiple(NumberRule& rule, const Json& multiple, const std::string& where) {
  const Decimal step = decimal_of(multiple);
  const double value = multiple.get<double>();
  if (step.fraction.empty() && value >= 1 && value <= 1'000) {
    rule.max_fraction = 0;
    rule.multiple_of = static_cast<std::uint32_t>(value);
  } else if (const int digits = power_of_tenth(step)) {
    rule.max_fraction = std::min(rule.max_fraction, digits);
  } else {
    fail(ErrorKind::unsupported,
         "{}.multipleOf: only whole numbers from 1 to 1000 and 0.1, 0.01, ... are supported", where);
  }
}

void apply_format(NumberRule& rule, const Json& format, const std::string& where) {
  const std::string name = format.is_string() ? format.get<std::string>() : "";
  if (name == "int32") {
    if (rule.min || rule.max) {
      fail(ErrorKind::unsupported, "{}.format: \"int32\" beside bounds is not supported; leave it out",
           where);
    }
    rule.min = NumberBound{Decimal::of(std::int64_t{std::numeric_limits<std::int32_t>::min()}), false};
    rule.max = NumberBound{Decimal::of(std::int64_t{std::numeric_limits<std::int32_t>::max()}), false};
  } else if (name != "int64" && name != "float" && name != "double" && !pattern_of_format(name)) {
    fail(ErrorKind::unsupported, "{}.format: {} is not supported", where, excerpt(format));
  }
}

}  // namespace

TermId SchemaCompiler::number(const Json& schema, const std::string& type, const std::string& where) {
  NumberRule rule;
  if (type == "integer") rule.max_fraction = 0;
  rule.min = lower_bound_of(schema, where);
  rule.max = upper_bound_of(schema, where);
  if (const Json* multiple = find_number(schema, "multipleOf", where)) apply_multiple(rule, *multiple, where);
  if (const Json* format = find(schema, "format")) apply_format(rule, *format, where);
  if (!rule.min && !rule.max && rule.multiple_of == 1 && rule.max_fraction == NumberRule::kMaxFraction) {
    return json_.any_number();
  }
  auto automaton = grammar::number(rule, builder_.work());
  return automaton ? builder_.leaf(*std::move(automaton)) : builder_.never();
}

}  // namespace nestor::grammar
