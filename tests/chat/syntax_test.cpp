// Wrong templates are refused when they are loaded, with the line.
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "chat/template.h"

namespace nestor::chat {
namespace {

std::string parse_failure(std::string_view source) {
  try {
    Template::parse(source, "file.jinja");
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

std::string render_failure(std::string_view source) {
  try {
    Template::parse(source, "file.jinja").render({}, LocalTime{});
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Syntax, NamesFileAndLine) {
  expect_part(parse_failure("a\nb\n{{ 1 + }}"), "file.jinja: line 3: unexpected end of print statement");
  expect_part(parse_failure("\n{% if x %}\n\n"), "line 2: the template ends before elif or else or endif");
  expect_part(parse_failure("{#\n\n"), "line 1: Missing end of comment tag");
  expect_part(parse_failure("\r\n\r{% raw %}x"), "line 3: Missing end of raw directive");
  expect_part(parse_failure("{{ 'a'\n~ 'b\n }}"), "line 2: a text that begins here has no closing quote");
  expect_part(parse_failure("x\n{% nosuch %}"), "line 2: unknown tag \"nosuch\"");
  expect_part(parse_failure("{% for x in y %}\n{% endif %}"),
              "line 2: unknown tag \"endif\", expected endfor or else");
  expect_part(parse_failure("{{ (1 }}"), "unexpected '}', expected ')'");
  expect_part(parse_failure("{% break %}"), "'break' outside of a loop");
  expect_part(parse_failure("\xff"), "not valid UTF-8");
}

TEST(Syntax, NamesWhatIsBeyondTheSubset) {
  expect_part(parse_failure("{% include 'a' %}"), "the tag 'include' is not supported");
  expect_part(render_failure("{{ [1] | batch(2) }}"), "the filter 'batch' is not supported");
  expect_part(render_failure("{{ 'a'.center(3) }}"), "the method str.center() is not supported");
}

TEST(Rendering, NamesTheLine) {
  expect_part(render_failure("a\n\n{{ x.y }}"), "file.jinja: line 3: 'x' is undefined");
  expect_part(render_failure("{% for i in [1] %}\n{{ raise_exception('no') }}{% endfor %}"), "line 2: no");
}

}  // namespace
}  // namespace nestor::chat
