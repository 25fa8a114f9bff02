// The pre-tokenizer of a tokenizer.json: cuts a text into the pieces that BPE may not merge across. Split,
// ByteLevel, Digits, Punctuation, and sequences of them; each stage works inside the pieces of the stage
// before.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tokenizer/regex.h"
#include "tokenizer/split_behavior.h"

namespace nestor::tokenizer {

/// What is a delimiter: what the pattern matches, or, inverted, what lies between.
enum class Delimiters { matches, gaps };

struct PatternSplit {
  Regex pattern;
  SplitBehavior behavior;
  Delimiters delimiters;
};

enum class CharacterClass { numeric, punctuation };

struct ClassSplit {
  CharacterClass delimiters;
  SplitBehavior behavior;
};

enum class PrefixSpace { add, omit };

/// An optional blank in front of each piece, an optional split, then each byte becomes its character of the
/// byte alphabet.
struct ByteLevel {
  PrefixSpace prefix_space;
  std::optional<Regex> pattern;
};

using PreTokenizerStage = std::variant<PatternSplit, ClassSplit, ByteLevel>;

/// What the pieces handed out hold.
enum class PieceForm {
  bytes,      // bytes of the text; each stands for its character of the byte alphabet
  characters  // UTF-8 text whose characters are the symbols themselves
};

/// Takes the pieces. Not empty; valid during the call.
class PieceSink {
 public:
  PieceSink() = default;
  PieceSink(const PieceSink&) = delete;
  PieceSink& operator=(const PieceSink&) = delete;
  virtual ~PieceSink() = default;
  virtual void take(std::string_view piece) = 0;
};

/// Const and thread-safe.
class PreTokenizer {
 public:
  PreTokenizer() = default;
  explicit PreTokenizer(std::vector<PreTokenizerStage> stages);

  /// A ByteLevel at the end needs no rewriting: the pieces stay bytes.
  PieceForm piece_form() const { return form_; }

  /// What one run at a time needs; made by new_scratch(), reused from text to text.
  struct StageScratch {
    RegexScratch regex;
    std::vector<Part> parts;
    std::string prefixed;
    std::string rewritten;
  };
  using Scratch = std::vector<StageScratch>;
  Scratch new_scratch() const { return Scratch(stages_.size()); }

  /// Cuts a text of valid UTF-8. Throws Error(limit) as Regex does.
  void run(std::string_view text, Scratch& scratch, PieceSink& sink) const;

 private:
  class Run;
  std::vector<PreTokenizerStage> stages_;
  PieceForm form_ = PieceForm::characters;
};

}  // namespace nestor::tokenizer
