#include "chat/builtins/tests.h"

#include "chat/builtins/filters.h"
#include "chat/builtins/text_methods.h"
#include "chat/values/operators.h"
#include "chat/values/repr.h"

namespace nestor::chat {
namespace {

using UnaryBody = bool (*)(Runtime&, const Value&);

Int remainder(Runtime& runtime, const Value& value, const Value& divisor) {
  const Value rest = binary(runtime, BinaryOp::modulo, value, divisor);
  // What is no number after all (a text that was formatted) is equal to none.
  if (rest.number()) return *rest.number() == 0 ? 0 : *rest.number() == 1 ? 1 : 2;
  return rest.integer() ? *rest.integer() : 2;
}

bool is_callable(const Value& value) {
  return value.is_undefined() || (value.object() && value.object()->callable());
}

template <const char* const& method>
bool has_case(Runtime& runtime, const Value& value) {
  const Value result = call_text_method(runtime, *find_text_method(method), str_of(runtime, value), {});
  return *result.boolean();
}

bool has_elements(const Value& value) {
  return value.is_undefined() || value.text() || value.sequence() || value.dict() || value.as<Range>();
}

constexpr const char* kIsLower = "islower";
constexpr const char* kIsUpper = "isupper";

struct UnaryTest {
  std::string_view name;
  UnaryBody body;
};

constexpr UnaryTest kUnary[] = {
    {"boolean", [](Runtime&, const Value& v) { return v.boolean() != nullptr; }},
    {"callable", [](Runtime&, const Value& v) { return is_callable(v); }},
    {"defined", [](Runtime&, const Value& v) { return !v.is_undefined(); }},
    {"escaped", [](Runtime&, const Value& v) { return v.text() && v.text()->escaped() == Escaped::yes; }},
    {"even", [](Runtime& r, const Value& v) { return remainder(r, v, Int{2}) == 0; }},
    {"false", [](Runtime&, const Value& v) { return v.boolean() && !*v.boolean(); }},
    {"filter", [](Runtime&, const Value& v) { return v.text() && is_filter(v.text()->bytes()); }},
    {"float", [](Runtime&, const Value& v) { return v.number() != nullptr; }},
    {"integer", [](Runtime&, const Value& v) { return v.exact_integer() != nullptr; }},
    {"iterable", [](Runtime&, const Value& v) { return is_iterable(v); }},
    {"lower", has_case<kIsLower>},
    {"mapping", [](Runtime&, const Value& v) { return v.dict() != nullptr; }},
    {"none", [](Runtime&, const Value& v) { return v.is_none(); }},
    {"number", [](Runtime&, const Value& v) { return v.real().has_value(); }},
    {"odd", [](Runtime& r, const Value& v) { return remainder(r, v, Int{2}) == 1; }},
    {"sequence", [](Runtime&, const Value& v) { return has_elements(v); }},
    {"string", [](Runtime&, const Value& v) { return v.text() != nullptr; }},
    {"test", [](Runtime&, const Value& v) { return v.text() && is_test(v.text()->bytes()); }},
    {"true", [](Runtime&, const Value& v) { return v.boolean() && *v.boolean(); }},
    {"undefined", [](Runtime&, const Value& v) { return v.is_undefined(); }},
    {"upper", has_case<kIsUpper>},
};

struct Comparison {
  std::string_view name;
  CompareOp op;
};

constexpr Comparison kComparisons[] = {
    {"==", CompareOp::eq},       {"eq", CompareOp::eq},          {"equalto", CompareOp::eq},
    {"!=", CompareOp::ne},       {"ne", CompareOp::ne},          {">", CompareOp::gt},
    {"gt", CompareOp::gt},       {"greaterthan", CompareOp::gt}, {">=", CompareOp::ge},
    {"ge", CompareOp::ge},       {"<", CompareOp::lt},           {"lt", CompareOp::lt},
    {"lessthan", CompareOp::lt}, {"<=", CompareOp::le},          {"le", CompareOp::le},
    {"in", CompareOp::in},
};

const UnaryTest* find_unary(std::string_view name) {
  for (const UnaryTest& test : kUnary) {
    if (test.name == name) return &test;
  }
  return nullptr;
}

const Comparison* find_comparison(std::string_view name) {
  for (const Comparison& test : kComparisons) {
    if (test.name == name) return &test;
  }
  return nullptr;
}

}  // namespace

bool is_test(std::string_view name) {
  return find_unary(name) || find_comparison(name) || name == "divisibleby" || name == "sameas";
}

bool apply_test(Runtime& runtime, std::string_view name, const Value& input, const Arguments& arguments) {
  if (const UnaryTest* test = find_unary(name)) {
    const Parameters none(name, arguments, {});
    return test->body(runtime, input);
  }
  if (const Comparison* test = find_comparison(name)) {
    const Parameters given(name, arguments, {"/other"}, 1);
    return compare(runtime, test->op, input, given[0]);
  }
  if (name == "divisibleby") {
    const Parameters given(name, arguments, {"num"}, 1);
    return remainder(runtime, input, given[0]) == 0;
  }
  if (name == "sameas") fail(ErrorKind::unsupported, "the test 'sameas' is not supported");
  fail(ErrorKind::bad_input, "No test named {}.", in_quotes(name));
}

}  // namespace nestor::chat
