#include "tokenizer/pattern_spelling.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "tokenizer/unicode_additions.h"

namespace nestor::tokenizer {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 38> kLongNames = {
    {{"letter", "L"},
     {"uppercaseletter", "Lu"},
     {"lowercaseletter", "Ll"},
     {"titlecaseletter", "Lt"},
     {"modifierletter", "Lm"},
     {"otherletter", "Lo"},
     {"mark", "M"},
     {"combiningmark", "M"},
     {"nonspacingmark", "Mn"},
     {"spacingmark", "Mc"},
     {"enclosingmark", "Me"},
     {"number", "N"},
     {"decimalnumber", "Nd"},
     {"digit", "Nd"},
     {"letternumber", "Nl"},
     {"othernumber", "No"},
     {"punctuation", "P"},
     {"connectorpunctuation", "Pc"},
     {"dashpunctuation", "Pd"},
     {"openpunctuation", "Ps"},
     {"closepunctuation", "Pe"},
     {"initialpunctuation", "Pi"},
     {"finalpunctuation", "Pf"},
     {"otherpunctuation", "Po"},
     {"symbol", "S"},
     {"mathsymbol", "Sm"},
     {"currencysymbol", "Sc"},
     {"modifiersymbol", "Sk"},
     {"othersymbol", "So"},
     {"separator", "Z"},
     {"spaceseparator", "Zs"},
     {"lineseparator", "Zl"},
     {"paragraphseparator", "Zp"},
     {"format", "Cf"},
     {"control", "Cc"},
     {"privateuse", "Co"},
     {"han", "Han"},
     {"hani", "Han"}}};

struct Class {
  std::string_view written;  // in the pattern
  std::string positive;      // the class itself, of which the pattern may mean the complement
  std::string added;
  bool complement = false;
};

// The category that a name between braces means, in whatever case and with whatever between its words.
std::string category_of(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != ' ' && c != '_' && c != '-') plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  for (const auto& [known, category] : kLongNames) {
    if (plain == known) return std::string(category);
  }
  if (!plain.empty() && plain.size() <= 2) plain.front() = static_cast<char>(plain.front() - 32);
  return plain;
}

std::string additions_to_words() {
  std::string added;
  for (const char* category : {"L", "M", "Nd", "Nl", "Pc"}) added += additions_to(category);
  return added;
}

// The class that an escape at the beginning of `rest` stands for, if it can have additions.
std::optional<Class> class_at(std::string_view rest) {
  const char kind = rest.size() > 1 ? rest[1] : '\0';
  if (kind == 'w' || kind == 'W') return Class{rest.substr(0, 2), "\\w", additions_to_words(), kind == 'W'};
  if (kind == 'd' || kind == 'D') return Class{rest.substr(0, 2), "\\d", additions_to("Nd"), kind == 'D'};
  const std::size_t end = rest.find('}');
  if ((kind != 'p' && kind != 'P') || rest.size() < 3 || rest[2] != '{' || end == rest.npos)
    return std::nullopt;
  std::string_view name = rest.substr(3, end - 3);
  const bool caret = name.starts_with('^');
  if (caret) name.remove_prefix(1);
  return Class{rest.substr(0, end + 1), "\\p{" + std::string(name) + "}", additions_to(category_of(name)),
               caret != (kind == 'P')};
}

std::string in_brackets(const Class& c) { return (c.complement ? "[^" : "[") + c.positive + c.added + "]"; }

// Since Oniguruma 6.9.9 the bracket [:punct:] holds symbols (S*) as well as punctuation (P*); the reference
// has such a version. Inside brackets only: elsewhere "[:punct:]" is a class of seven letters.
std::optional<Class> punct_at(std::string_view rest) {
  for (const std::string_view written : {std::string_view("[:punct:]"), std::string_view("[:^punct:]")}) {
    if (!rest.starts_with(written)) continue;
    return Class{written, "\\p{P}\\p{S}", additions_to("P") + additions_to("S"), written[2] == '^'};
  }
  return std::nullopt;
}

}  // namespace

std::string spelled_out(std::string_view pattern) {
  std::string out;
  int depth = 0;
  for (std::size_t i = 0; i < pattern.size();) {
    const std::string_view rest = pattern.substr(i);
    std::size_t length = 1;
    if (rest.front() == '\\') {
      const auto found = class_at(rest);
      if (found && !found->added.empty()) {
        out += depth > 0 && !found->complement ? found->positive + found->added : in_brackets(*found);
        i += found->written.size();
        continue;
      }
      length = std::min<std::size_t>(2, rest.size());
    } else if (const auto found = depth > 0 ? punct_at(rest) : std::nullopt) {
      out += in_brackets(*found);
      i += found->written.size();
      continue;
    } else if (rest.front() == '[') {
      ++depth;
    } else if (rest.front() == ']' && depth > 0) {
      --depth;
    }
    out += rest.substr(0, length);
    i += length;
  }
  return out;
}

}  // namespace nestor::tokenizer
