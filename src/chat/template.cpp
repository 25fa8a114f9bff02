#include "chat/template.h"

#include <algorithm>
#include <filesystem>

#include "chat/builtins/globals.h"
#include "chat/interpreter.h"
#include "chat/syntax/ast.h"
#include "chat/syntax/parser.h"

namespace nestor::chat {
namespace {

constexpr std::size_t kMaxSource = std::size_t{1} << 20;

// Byte ranges to code points in one walk: the borders are visited in order.
std::vector<TextSpan> in_code_points(std::string_view text, std::vector<TextSpan> spans) {
  std::vector<std::size_t*> borders;
  for (TextSpan& span : spans) {
    borders.push_back(&span.begin);
    borders.push_back(&span.end);
  }
  std::stable_sort(borders.begin(), borders.end(), [](const auto* a, const auto* b) { return *a < *b; });
  std::size_t at = 0, count = 0;
  for (std::size_t* border : borders) {
    count += code_points(text.substr(at, *border - at));
    at = *border;
    *border = count;
  }
  return spans;
}

}  // namespace

struct Template::Parsed {
  std::string name;
  Body body;
};

Template::Template(std::unique_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

Template Template::parse(std::string_view source, std::string_view name) {
  if (source.size() > kMaxSource) {
    fail(ErrorKind::limit, "{}: a template of {} bytes; at most {} are accepted", name, source.size(),
         kMaxSource);
  }
  try {
    // Messages name the file without its folder: clients of a server see them.
    const std::string file = std::filesystem::path(name).filename().string();
    return Template(std::make_unique<const Parsed>(Parsed{file, parse_template(source)}));
  } catch (const Error& e) {
    throw Error(e.kind(), fmt::format("{}: {}", name, e.what()));
  }
}

Rendered Template::render(const Variables& variables, const LocalTime& now, const Limits& limits) const {
  Runtime runtime(limits, now);
  try {
    const auto globals = std::make_shared<Scope>(nullptr);
    define_globals(*globals);
    for (const Variable& v : variables) globals->set(v.name, from_json(v.value, v.origin));
    Text text = Interpreter(runtime, runtime.keep(std::make_shared<Scope>(globals))).render(parsed_->body);
    return {text.bytes(), text.from_template(), in_code_points(text.bytes(), text.generation())};
  } catch (const Error& e) {
    throw Error(e.kind(), fmt::format("{}: line {}: {}", parsed_->name, runtime.line, e.what()));
  }
}

}  // namespace nestor::chat
