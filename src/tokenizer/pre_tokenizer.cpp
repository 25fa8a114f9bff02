#include "tokenizer/pre_tokenizer.h"

#include "base/utf8.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/characters.h"

namespace nestor::tokenizer {
namespace {

bool is_in(std::uint32_t c, CharacterClass wanted) {
  return wanted == CharacterClass::numeric ? is_numeric(c) : is_punctuation(c);
}

// Calls found(match) for each single character of the class.
template <typename Found>
void for_each_in_class(std::string_view text, CharacterClass wanted, Found&& found) {
  for (std::size_t i = 0; i < text.size();) {
    const Utf8Char c = decode_utf8(text, i);
    if (is_in(c.code_point, wanted)) found(TextSpan{i, i + c.length});
    i += c.length;
  }
}

}  // namespace

// One text on its way through the stages. A piece goes all the way down before the next one is cut, so memory
// does not grow with the number of pieces.
class PreTokenizer::Run {
 public:
  Run(const PreTokenizer& owner, Scratch& scratch, PieceSink& sink)
      : owner_(owner), scratch_(scratch), sink_(sink) {}

  void down(std::size_t stage, std::string_view piece) {
    if (piece.empty()) return;
    if (stage == owner_.stages_.size()) {
      sink_.take(piece);
    } else {
      std::visit([&](const auto& s) { apply(s, stage, piece); }, owner_.stages_[stage]);
    }
  }

 private:
  void apply(const PatternSplit& split, std::size_t stage, std::string_view piece) {
    const auto matches = [&](auto&& found) {
      split.pattern.for_each_match(piece, scratch_[stage].regex, found);
    };
    cut(piece, stage, split.behavior, split.delimiters, matches);
  }

  void apply(const ClassSplit& split, std::size_t stage, std::string_view piece) {
    const auto matches = [&](auto&& found) { for_each_in_class(piece, split.delimiters, found); };
    cut(piece, stage, split.behavior, Delimiters::matches, matches);
  }

  void apply(const ByteLevel& byte_level, std::size_t stage, std::string_view piece) {
    if (byte_level.prefix_space == PrefixSpace::add && piece.front() != ' ') {
      std::string& prefixed = scratch_[stage].prefixed;
      prefixed.assign(1, ' ').append(piece);
      piece = prefixed;
    }
    if (!byte_level.pattern) {
      rewrite(stage, piece);
      return;
    }
    const auto matches = [&](auto&& found) {
      byte_level.pattern->for_each_match(piece, scratch_[stage].regex, found);
    };
    each_part(piece, matches, [&](Part part) { rewrite(stage, text_of(piece, part.span)); });
  }

  void rewrite(std::size_t stage, std::string_view piece) {
    if (stage + 1 == owner_.stages_.size()) {
      down(stage + 1, piece);
      return;
    }
    std::string& rewritten = scratch_[stage].rewritten;
    rewritten.clear();
    append_in_byte_alphabet(rewritten, piece);
    down(stage + 1, rewritten);
  }

  template <typename Matches>
  void cut(std::string_view piece, std::size_t stage, SplitBehavior behavior, Delimiters delimiters,
           const Matches& matches) {
    if (behavior == SplitBehavior::isolated) {
      each_part(piece, matches, [&](Part part) { down(stage + 1, text_of(piece, part.span)); });
      return;
    }
    std::vector<Part>& parts = scratch_[stage].parts;
    parts.clear();
    each_part(piece, matches, [&](Part part) {
      parts.push_back({part.span, part.is_delimiter == (delimiters == Delimiters::matches)});
    });
    join_parts(parts, behavior);
    // The stages below use their own scratch, so `parts` stays as it is.
    for (const Part& part : parts) down(stage + 1, text_of(piece, part.span));
  }

  // The matches and the gaps between them, in order. Empty matches are parts, empty gaps are not.
  template <typename Matches, typename Take>
  static void each_part(std::string_view piece, const Matches& matches, const Take& take) {
    std::size_t done = 0;
    matches([&](TextSpan match) {
      if (done != match.begin) take(Part{{done, match.begin}, false});
      done = match.end;
      take(Part{match, true});
    });
    if (done != piece.size()) take(Part{{done, piece.size()}, false});
  }

  static std::string_view text_of(std::string_view piece, TextSpan span) {
    return piece.substr(span.begin, span.end - span.begin);
  }

  const PreTokenizer& owner_;
  Scratch& scratch_;
  PieceSink& sink_;
};

PreTokenizer::PreTokenizer(std::vector<PreTokenizerStage> stages) : stages_(std::move(stages)) {
  if (!stages_.empty() && std::holds_alternative<ByteLevel>(stages_.back())) form_ = PieceForm::bytes;
}

void PreTokenizer::run(std::string_view text, Scratch& scratch, PieceSink& sink) const {
  Run(*this, scratch, sink).down(0, text);
}

}  // namespace nestor::tokenizer
