#include "tokenizer/unicode_forms.h"

#include <unicode/normalizer2.h>
#include <unicode/uniset.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace nestor::tokenizer {
namespace {

struct Character {
  UChar32 code_point;
  std::uint8_t combining_class;
};

void check(UErrorCode status) {
  if (U_FAILURE(status) == 0) return;
  fail(ErrorKind::internal, "ICU has no normalization data ({}); is its data library installed?",
       u_errorName(status));
}

const icu::Normalizer2& of_icu(UnicodeForm form) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* instance = form == UnicodeForm::nfc ? icu::Normalizer2::getNFCInstance(status)
                                                  : icu::Normalizer2::getNFKCInstance(status);
  check(status);
  return *instance;
}

// A form on the characters that the reference's tables know, which are Unicode 9's: newer ones stay as they
// are.
class Form {
 public:
  explicit Form(UnicodeForm form) : known_("[:age=9.0:]", status_), filtered_(of_icu(form), known_) {
    check(status_);
    known_.freeze();
  }

  const icu::Normalizer2& operator*() const { return filtered_; }

 private:
  UErrorCode status_ = U_ZERO_ERROR;
  icu::UnicodeSet known_;
  icu::FilteredNormalizer2 filtered_;
};

const icu::Normalizer2& instance_of(UnicodeForm form) {
  static const Form nfc(UnicodeForm::nfc), nfkc(UnicodeForm::nfkc);
  return form == UnicodeForm::nfc ? *nfc : *nfkc;
}

// A stretch between two normalization boundaries: decompose, order the marks, compose.
class Stretch {
 public:
  explicit Stretch(const icu::Normalizer2& form) : form_(form) {}

  void clear() { characters_.clear(); }

  void add(UChar32 c) {
    if (!form_.getDecomposition(c, decomposition_)) {
      append(c);
      return;
    }
    for (std::int32_t i = 0; i < decomposition_.length();) {
      const UChar32 part = decomposition_.char32At(i);
      append(part);
      i += U16_LENGTH(part);
    }
  }

  // The normalized stretch as UTF-8.
  const std::string& normalized() {
    order_marks();
    compose();
    text_.clear();
    for (const Character& c : characters_) append_utf8(text_, static_cast<std::uint32_t>(c.code_point));
    return text_;
  }

 private:
  void append(UChar32 c) { characters_.push_back({c, form_.getCombiningClass(c)}); }

  void order_marks() {
    const auto is_starter = [](const Character& c) { return c.combining_class == 0; };
    for (auto at = characters_.begin(); at != characters_.end();) {
      at = std::find_if_not(at, characters_.end(), is_starter);
      const auto end = std::find_if(at, characters_.end(), is_starter);
      std::stable_sort(at, end, [](const Character& a, const Character& b) {
        return a.combining_class < b.combining_class;
      });
      at = end;
    }
  }

  // Unicode 3.11, D117: a character composes with the last starter unless one in between blocks it.
  void compose() {
    std::size_t kept = 0;
    std::size_t starter = kNone;
    for (std::size_t i = 0; i < characters_.size(); ++i) {
      const Character c = characters_[i];
      if (starter != kNone) {
        const bool adjacent = kept == starter + 1;
        const std::uint8_t before = characters_[kept - 1].combining_class;
        if (adjacent || (before != 0 && before < c.combining_class)) {
          const UChar32 composite = form_.composePair(characters_[starter].code_point, c.code_point);
          if (composite >= 0) {
            characters_[starter].code_point = composite;
            continue;
          }
        }
      }
      if (c.combining_class == 0) starter = kept;
      characters_[kept++] = c;
    }
    characters_.resize(kept);
  }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  const icu::Normalizer2& form_;
  std::vector<Character> characters_;
  icu::UnicodeString decomposition_;
  std::string text_;
};

bool is_ascii(char b) { return static_cast<unsigned char>(b) < 0x80; }

}  // namespace

void normalize_form(RewrittenText& rewritten, UnicodeForm form) {
  const std::string_view text = rewritten.text();
  if (std::all_of(text.begin(), text.end(), is_ascii)) return;
  const icu::Normalizer2& unicode = instance_of(form);
  Rewriting rewriting(rewritten);
  Stretch stretch(unicode);
  for (std::size_t i = 0; i < text.size();) {
    // An ASCII character before another one stays as it is.
    if (is_ascii(text[i]) && (i + 1 == text.size() || is_ascii(text[i + 1]))) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    stretch.clear();
    do {
      const Utf8Char c = decode_utf8(text, i);
      stretch.add(static_cast<UChar32>(c.code_point));
      i += c.length;
    } while (i < text.size() &&
             !unicode.hasBoundaryBefore(static_cast<UChar32>(decode_utf8(text, i).code_point)));
    const std::string& normalized = stretch.normalized();
    if (normalized != text.substr(begin, i - begin)) rewriting.replace({begin, i}, normalized);
  }
  rewriting.finish();
}

}  // namespace nestor::tokenizer
