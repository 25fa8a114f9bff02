#include "tokenizer/added_tokens.h"

#include <algorithm>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/characters.h"

namespace nestor::tokenizer {
namespace {

using Place = ControlTokens::Place;

// Requires at > 0.
std::size_t begin_of_character_before(std::string_view text, std::size_t at) {
  do {
    --at;
  } while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80);
  return at;
}

bool is_alone(std::string_view text, TextSpan match) {
  if (match.begin > 0 &&
      is_word(decode_utf8(text, begin_of_character_before(text, match.begin)).code_point)) {
    return false;
  }
  return match.end == text.size() || !is_word(decode_utf8(text, match.end).code_point);
}

// Where white space that ends at `end` begins, but not before `limit`, which may lie beyond `end`.
std::size_t white_space_before(std::string_view text, std::size_t end, std::size_t limit) {
  if (end <= limit) return limit;
  while (end > limit) {
    const std::size_t at = begin_of_character_before(text, end);
    if (!is_white_space(decode_utf8(text, at).code_point)) break;
    end = at;
  }
  return end;
}

// Where white space ends. Remembers the last run, so that many tokens inside one run cost no more than one.
class WhiteSpaceAfter {
 public:
  std::size_t operator()(std::string_view text, std::size_t at) {
    if (at >= begin_ && at <= end_) return end_;
    begin_ = at;
    while (at < text.size()) {
      const Utf8Char c = decode_utf8(text, at);
      if (!is_white_space(c.code_point)) break;
      at += c.length;
    }
    return end_ = at;
  }

 private:
  std::size_t begin_ = 1;
  std::size_t end_ = 0;
};

}  // namespace

AddedTokens::Tree::Tree() : nodes_(1) {}

std::uint32_t AddedTokens::Tree::child_of(std::uint32_t node, unsigned char byte) const {
  std::uint32_t child = nodes_[node].first_child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].next_sibling;
  return child;
}

void AddedTokens::Tree::insert(std::string_view content, const AddedToken* token) {
  std::uint32_t node = 0;
  for (const char c : content) {
    const auto byte = static_cast<unsigned char>(c);
    std::uint32_t child = child_of(node, byte);
    if (child == 0) {
      child = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({byte, 0, nodes_[node].first_child, nullptr});
      nodes_[node].first_child = child;
    }
    node = child;
  }
  begins_[static_cast<unsigned char>(content.front())] = true;
  if (nodes_[node].token == nullptr) nodes_[node].token = token;
}

template <typename Accept>
const AddedToken* AddedTokens::Tree::longest(std::string_view text, std::size_t at, std::size_t& end,
                                             const Accept& accept) const {
  const AddedToken* best = nullptr;
  std::uint32_t node = 0;
  for (std::size_t i = at; i < text.size();) {
    node = child_of(node, static_cast<unsigned char>(text[i++]));
    if (node == 0) break;
    const AddedToken* token = nodes_[node].token;
    if (token != nullptr && accept(*token, i)) {
      best = token;
      end = i;
    }
  }
  return best;
}

AddedTokens::AddedTokens(std::vector<AddedToken> tokens, Normalizer normalizer, std::string_view what)
    : tokens_(std::move(tokens)), normalizer_(std::move(normalizer)) {
  // Where two contents become the same by normalization, special tokens go first, then the order of the file.
  std::stable_partition(tokens_.begin(), tokens_.end(),
                        [](const AddedToken& token) { return token.special; });
  RegexScratch scratch;
  for (const AddedToken& token : tokens_) {
    RewrittenText content(token.content, 0, Origins::forget);
    if (token.normalized) normalizer_.apply(content, scratch);
    if (content.text().empty()) {
      fail(ErrorKind::bad_input, "{}: the added token {} (id {}) {}; remove it", what,
           in_quotes(token.content), token.id,
           token.content.empty() ? "is empty" : "is empty after normalization");
    }
    (token.normalized ? normalized_ : raw_).insert(content.text(), &token);
    if (token.normalized && token.special) special_in_normalized_ = true;
  }
}

// The order of the steps is the reference's, and so is what follows from it: a match that is refused takes up
// its text; white space taken by rstrip may be matched again by a token that consists of white space.
template <typename PlaceOf, typename TakeText, typename TakeToken>
void AddedTokens::find_in(std::string_view text, const Tree& tree, const PlaceOf& place_of,
                          const TakeText& take_text, const TakeToken& take_token) {
  WhiteSpaceAfter white_space_after;
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    if (!tree.can_begin(text[at])) {
      ++at;
      continue;
    }
    TextSpan match{at, at};
    const AddedToken* token =
        tree.longest(text, at, match.end, [&](const AddedToken& candidate, std::size_t end) {
          return !candidate.special || place_of(TextSpan{at, end}) != Place::straddling;
        });
    if (token == nullptr) {
      ++at;
      continue;
    }
    at = match.end;
    if (token->special && place_of(match) == Place::outside) continue;
    if (token->single_word && !is_alone(text, match)) continue;
    if (token->lstrip) match.begin = white_space_before(text, match.begin, done);
    if (token->rstrip) match.end = white_space_after(text, match.end);
    // Nothing is left of a token of white space that an earlier token has taken.
    if (match.begin >= match.end) continue;
    if (done < match.begin) take_text(TextSpan{done, match.begin});
    take_token(token->id);
    done = match.end;
  }
  if (done < text.size()) take_text(TextSpan{done, text.size()});
}

void AddedTokens::extract_normalized(std::string_view part, std::size_t offset, const ControlTokens& control,
                                     RegexScratch& scratch, AddedTokenSink& sink) const {
  const bool track = special_in_normalized_ && control.depends_on_place();
  RewrittenText rewritten(part, offset, track ? Origins::track : Origins::forget);
  normalizer_.apply(rewritten, scratch);
  const std::string_view text = rewritten.text();
  find_in(
      text, normalized_, [&](TextSpan span) { return control.place_of(rewritten.origin_of(span)); },
      [&](TextSpan span) { sink.take_text(text.substr(span.begin, span.end - span.begin)); },
      [&](TokenId id) { sink.take_token(id); });
}

void AddedTokens::extract(std::string_view text, const ControlTokens& control, RegexScratch& scratch,
                          AddedTokenSink& sink) const {
  const bool as_it_is = normalizer_.empty() && normalized_.empty();
  find_in(
      text, raw_, [&](TextSpan span) { return control.place_of(span); },
      [&](TextSpan span) {
        const std::string_view part = text.substr(span.begin, span.end - span.begin);
        if (as_it_is) {
          sink.take_text(part);
        } else {
          extract_normalized(part, span.begin, control, scratch, sink);
        }
      },
      [&](TokenId id) { sink.take_token(id); });
}

}  // namespace nestor::tokenizer
