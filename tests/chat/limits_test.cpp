// Hostile templates end with a clear error, quickly, and without a huge allocation.
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "chat/render_request.h"
#include "support/refusal.h"

namespace nestor::chat {
namespace {

Rendered render(const std::string& source) { return Template::parse(source, "t").render({}, LocalTime{}); }

std::string times(int n, const std::string& text) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

TEST(Limits, WorkIsBounded) {
  for (const char* source : {
           "{{ 'a' * 10**9 }}",
           "{{ [0] * 10**12 }}",
           "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}{% endfor %}"
           "{% endfor %}{% endfor %}",
           "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
           "{% set ns = namespace(l=[1]) %}{% for i in range(99) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}",
           "{% set ns = namespace(l=[1]) %}{% for i in range(9999) %}{% set ns.l = [ns.l] %}{% endfor %}",
           "{% set ns = namespace(g=[1]) %}{% for i in range(9999) %}{% set ns.g = ns.g | map('string') %}{% "
           "endfor %}",
           "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
           "{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
           "{% set ns = namespace() %}{% set ns.ns = ns %}{{ ns }}",
           "{{ range(100001) }}",
           "{{ 'x' | indent(10**15) }}",
           "{{ '1'.zfill(10**15) }}",
           "{{ '%1000000000d' % 1 }}",
           "{{ [1] | tojson(indent=10**15) }}",
           "{{ 'ab' | replace('', 'x' * 60000000) }}",
       }) {
    SCOPED_TRACE(source);
    EXPECT_REFUSED(render(source), ErrorKind::limit, "t: line");
  }
}

TEST(Limits, BigIntegersAreRefused) {
  EXPECT_REFUSED(render("{{ 10 ** 10**9 }}"), ErrorKind::unsupported, "t: line");
  EXPECT_REFUSED(render("{{ 99999999999999999999999999999999999999999 }}"), ErrorKind::unsupported,
                 "t: line");
}

TEST(Limits, NestingIsBounded) {
  const int n = 100'000;
  for (const std::string& source :
       {"{{ " + times(n, "(") + "1", "{{ " + times(n, "[") + "1", "{{ " + times(n, "-") + "1 }}",
        "{{ " + times(n, "not ") + "1 }}", "{{ 1" + times(n, " + 1") + " }}", "{{ x" + times(n, ".y") + " }}",
        "{{ x" + times(n, "|e") + " }}", "{{ x" + times(n, " if x") + " }}",
        "{{ 1" + times(n, " ** 1") + " }}", "{{ x" + times(n, " if x else x") + " }}",
        "{{ f" + times(n, "(f") + " }}", times(n, "{% if x %}"), times(n, "{% for x in y %}"),
        "{% set " + times(n, "(") + "a", "{% call " + times(n, "(") + "a"}) {
    const auto refusal = testing::refusal_of([&] { render(source); });
    ASSERT_TRUE(refusal) << source.substr(0, 60);
    EXPECT_TRUE(refusal->kind == ErrorKind::limit || refusal->kind == ErrorKind::bad_input)
        << source.substr(0, 60) << "\n"
        << refusal->message;
  }
}

TEST(Limits, LongButFlatIsFine) {
  const Template chain = Template::parse("{{ 'a'" + times(5000, " ~ 'b'") + " }}", "t");
  EXPECT_EQ(chain.render({}, LocalTime{}).text.size(), 5001u);
  const Template branches =
      Template::parse("{% if x %}" + times(5000, "{% elif x %}") + "{% else %}y{% endif %}", "t");
  EXPECT_EQ(branches.render({}, LocalTime{}).text, "y");
}

TEST(Limits, AreParameters) {
  const Template t = Template::parse("{% for i in range(1000) %}x{% endfor %}", "t");
  EXPECT_THROW(t.render({}, LocalTime{}, {.output_bytes = 10}), Error);
  EXPECT_THROW(t.render({}, LocalTime{}, {.steps = 10}), Error);
  EXPECT_EQ(t.render({}, LocalTime{}).text.size(), 1000u);
}

}  // namespace
}  // namespace nestor::chat
