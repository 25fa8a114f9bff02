// Any bytes as a JSON schema up to the first zero byte, or behind "!" as that of a tool's parameters; the
// rest is the text that is wanted, and chooses among the allowed tokens where it cannot be had. The schema is
// refused, or every mask allows something and a complete text is a JSON document of the language, or the
// request has had what it may have; and none of it takes longer than a second.
//
// Few bytes make long lists: {"*": 60, "of": X} stands for 60 times X, as items of a list or as members of an
// object; "#100" in X is 100, 101, ..., and # in other texts is 0, 1, ...
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "grammar/allowance.h"
#include "grammar/grammar.h"
#include "grammar/grammar_constraint.h"

using namespace nestor;
using namespace nestor::grammar;

namespace {

constexpr TokenId kStop = 1000;
constexpr std::size_t kLongestText = 120;
// Of an allowance, twice what there is at once. Many inputs find more than long walks do: sanitizers make a
// tenth of a second of it.
constexpr std::uint64_t kMostWork = 2'000'000;
// Of the processor's time, since the machine may be busy.
constexpr std::clock_t kMostTime = CLOCKS_PER_SEC;

std::shared_ptr<const Vocabulary> vocabulary() {
  std::vector<Vocabulary::Entry> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(Vocabulary::Entry{static_cast<TokenId>(byte), std::string(1, static_cast<char>(byte))});
  }
  TokenId id = 256;
  for (const char* piece :
       {"\":",      "\", \"", "{\"",          "\"}", "]}",    "true",    "null",  "  ",
        "\n  ",     "abc",    "12",           "0.",  "\\u00", "\"a\": ", "[]",    "\xE2\x82",
        "\x82\xAC", "</",     "\\ud83d\\ude", "[[",  "]]",    "1,1,",    "}, {\""}) {
    tokens.push_back(Vocabulary::Entry{id++, piece});
  }
  const std::vector<TokenId> stop = {kStop};
  return std::make_shared<const Vocabulary>(tokens, std::vector<Vocabulary::Entry>(), stop);
}

/// Writes out the lists.
class Expansion {
 public:
  Json run(const Json& value, int index) {
    if (++values_ > kMostValues) fail(ErrorKind::limit, "too long a list");
    if (value.is_string()) return text(value.get<std::string>(), index);
    Json out = value.is_array() ? Json::array() : Json::object();
    if (const int count = times(value)) {
      for (int i = 0; i < count; ++i) add_unique(out, "p" + std::to_string(i), run(value["of"], i));
      return out;
    }
    if (value.is_object()) {
      for (const auto& [name, member] : value.items()) add_unique(out, name, run(member, index));
      return out;
    }
    if (!value.is_array()) return value;
    for (const Json& item : value) {
      const int count = times(item);
      for (int i = 0; i < count; ++i) out.push_back(run(item["of"], i));
      if (count == 0) out.push_back(run(item, index));
    }
    return out;
  }

 private:
  static constexpr int kMostValues = 5'000;

  static int times(const Json& value) {
    if (!value.is_object() || !value.contains("*") || !value.contains("of")) return 0;
    return value["*"].is_number_integer() ? std::clamp(value["*"].get<int>(), 0, 2'000) : 0;
  }
  static Json text(std::string text, int index) {
    const std::size_t at = text.find('#');
    if (at == std::string::npos || text.starts_with("#/") || text == "#") return text;
    const bool number =
        at == 0 && text.size() < 8 && text.find_first_not_of("0123456789", 1) == std::string::npos;
    if (number) return std::stoi(text.substr(1)) + index;
    return text.replace(at, 1, std::to_string(index));
  }

  int values_ = 0;
};

std::shared_ptr<const Grammar> compiled(std::string_view schema) {
  const bool tool = schema.starts_with("!");
  const Json json = Expansion().run(parse_json(schema.substr(tool ? 1 : 0), "fuzz"), 0);
  const Effort effort{.steps = Effort::kLittle / 10, .stop = {}};
  if (!tool) return Grammar::from_json_schema(json, effort);
  return Grammar::tool_calls(Json::array({{{"function", {{"name", "f"}, {"parameters", json}}}}}), {},
                             effort);
}

void walk(const std::shared_ptr<const Grammar>& grammar, std::string_view wanted, bool json) {
  static const std::shared_ptr<const Vocabulary> shared = vocabulary();
  const auto allowance = std::make_shared<Allowance>(*shared);
  GrammarConstraint constraint(grammar, shared, allowance);
  std::string text;
  for (const char c : wanted.substr(0, kLongestText)) {
    if (allowance->spent() > kMostWork) return;
    std::vector<std::uint64_t> mask(kStop / 64 + 1, 0);
    constraint.allowed(mask);
    const auto allows = [&](TokenId id) {
      return (mask[static_cast<std::size_t>(id) / 64] >> (id % 64) & 1) != 0;
    };
    std::vector<TokenId> ids;
    for (TokenId id = 0; id <= kStop; ++id) {
      if (allows(id)) ids.push_back(id);
    }
    if (ids.empty()) std::abort();
    if (constraint.may_end() && json && !Json::accept(text)) std::abort();
    const auto byte = static_cast<unsigned char>(c);
    const TokenId id = allows(byte) ? byte : ids[byte % ids.size()];
    constraint.accept(id);
    if (id == kStop) break;
    text += shared->bytes_of(id);
  }
  if (constraint.may_end() && !grammar->matches(text)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(input.find('\0'), size);
  const std::clock_t began = std::clock();
  try {
    walk(compiled(input.substr(0, end)), input.substr(std::min(end + 1, size)), !input.starts_with("!"));
  } catch (const Error& error) {
    const ErrorKind kind = error.kind();
    if (kind != ErrorKind::bad_input && kind != ErrorKind::unsupported && kind != ErrorKind::limit)
      std::abort();
  }
  if (std::clock() - began > kMostTime) std::abort();
  return 0;
}
