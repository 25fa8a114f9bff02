#include "grammar/grammar.h"

#include "base/error.h"
#include "base/json.h"

namespace nestor::grammar {

struct Terms {};

std::shared_ptr<const Grammar> Grammar::from_json_schema(const Json&) {
  fail(ErrorKind::unsupported, "no grammars yet");
}
std::shared_ptr<const Grammar> Grammar::any_json_object() { fail(ErrorKind::unsupported, "no grammars yet"); }
std::shared_ptr<const Grammar> Grammar::tool_calls(const Json&, const ToolChoice&) {
  fail(ErrorKind::unsupported, "no grammars yet");
}
bool Grammar::matches(std::string_view) const { return false; }
Grammar::Grammar(std::unique_ptr<const Terms> terms) : terms_(std::move(terms)) {}
Grammar::~Grammar() = default;

}  // namespace nestor::grammar
