#include "tokenizer/normalizer.h"

#include "base/utf8.h"
#include "tokenizer/characters.h"

namespace nestor::tokenizer {
namespace {

void run(UnicodeForm form, RewrittenText& text, RegexScratch&) { normalize_form(text, form); }

void run(Lowercase, RewrittenText& rewritten, RegexScratch&) {
  constexpr std::uint32_t kCapitalIWithDot = 0x130;
  const std::string_view text = rewritten.text();
  Rewriting rewriting(rewritten);
  std::string lower;
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    lower.clear();
    if (c.code_point == kCapitalIWithDot) {
      lower = "i\u0307";
    } else if (const std::uint32_t small = lower_case(c.code_point); small != c.code_point) {
      append_utf8(lower, small);
    }
    if (!lower.empty()) rewriting.replace({i, i + c.length}, lower);
    i += c.length;
  }
  rewriting.finish();
}

void run(const Replace& step, RewrittenText& text, RegexScratch& scratch) {
  Rewriting rewriting(text);
  step.pattern.for_each_match(text.text(), scratch,
                              [&](TextSpan match) { rewriting.replace(match, step.content); });
  rewriting.finish();
}

}  // namespace

void Normalizer::apply(RewrittenText& text, RegexScratch& scratch) const {
  for (const NormalizerStep& step : steps_) {
    std::visit([&](const auto& s) { run(s, text, scratch); }, step);
  }
}

}  // namespace nestor::tokenizer
