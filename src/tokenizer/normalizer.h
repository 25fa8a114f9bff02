// The normalizer of a tokenizer.json: NFC, NFKC, Lowercase, Replace, and sequences of them.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "tokenizer/regex.h"
#include "tokenizer/rewriting.h"
#include "tokenizer/unicode_forms.h"

namespace nestor::tokenizer {

struct Lowercase {};

struct Replace {
  Regex pattern;
  std::string content;
};

using NormalizerStep = std::variant<UnicodeForm, Lowercase, Replace>;

/// The steps, one after the other. Const and thread-safe.
class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizerStep> steps) : steps_(std::move(steps)) {}

  bool empty() const { return steps_.empty(); }

  /// Rewrites a text of valid UTF-8. Throws Error(limit) as Regex does.
  void apply(RewrittenText& text, RegexScratch& scratch) const;

 private:
  std::vector<NormalizerStep> steps_;
};

}  // namespace nestor::tokenizer
