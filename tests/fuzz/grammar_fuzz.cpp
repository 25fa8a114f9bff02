// Any bytes as a JSON schema up to the first zero byte; the rest chooses among the allowed tokens. The schema
// is refused, or every mask allows something and a complete text is a JSON document of the language.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"

using namespace nestor;
using namespace nestor::grammar;

namespace {

constexpr TokenId kStop = 1000;

std::shared_ptr<const Vocabulary> vocabulary() {
  std::vector<Vocabulary::Entry> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(Vocabulary::Entry{static_cast<TokenId>(byte), std::string(1, static_cast<char>(byte))});
  }
  TokenId id = 256;
  for (const char* piece : {"\":", "\", \"", "{\"", "\"}", "]}", "true", "null", "  ", "\n  ", "abc", "12",
                            "0.", "\\u00", "\"a\": ", "[]", "\xE2\x82", "\x82\xAC", "</", "\\ud83d\\ude"}) {
    tokens.push_back(Vocabulary::Entry{id++, piece});
  }
  const std::vector<TokenId> stop = {kStop};
  return std::make_shared<const Vocabulary>(tokens, std::vector<Vocabulary::Entry>(), stop);
}

void walk(const std::shared_ptr<const Grammar>& grammar, std::string_view choices) {
  static const std::shared_ptr<const Vocabulary> shared = vocabulary();
  GrammarConstraint constraint(grammar, shared);
  std::string text;
  for (const char choice : choices.substr(0, 300)) {
    std::vector<std::uint64_t> mask(kStop / 64 + 1, 0);
    constraint.allowed(mask);
    std::vector<TokenId> ids;
    for (TokenId id = 0; id <= kStop; ++id) {
      if (mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) ids.push_back(id);
    }
    if (ids.empty()) std::abort();
    if (constraint.may_end() && (!Json::accept(text) || !grammar->matches(text))) std::abort();
    const TokenId id = ids[static_cast<unsigned char>(choice) % ids.size()];
    constraint.accept(id);
    if (id == kStop) return;
    text += shared->bytes_of(id);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), size);
  try {
    walk(Grammar::from_json_schema(parse_json(input.substr(0, end), "fuzz")),
         input.substr(std::min(end + 1, size)));
  } catch (const Error& error) {
    const ErrorKind kind = error.kind();
    if (kind != ErrorKind::bad_input && kind != ErrorKind::unsupported && kind != ErrorKind::limit)
      std::abort();
  }
  return 0;
}
