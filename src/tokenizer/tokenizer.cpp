#include "tokenizer/tokenizer.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tokenizer/added_tokens.h"
#include "tokenizer/bpe.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/piece_cache.h"
#include "tokenizer/post_processor.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/vocabulary.h"

namespace nestor::tokenizer {
namespace {

VocabularyEntry make_entry(TokenId id, std::string content, TokenKind kind) {
  std::string bytes = from_byte_alphabet(content).value_or(content);
  return {id, std::move(content), std::move(bytes), kind};
}

// The model's tokens and the added ones. An added token that the model has too must have the same id there.
Vocabulary join_vocabularies(const std::vector<ModelToken>& model, const std::vector<AddedToken>& added,
                             std::string_view what) {
  std::vector<VocabularyEntry> entries;
  entries.reserve(model.size() + added.size());
  std::unordered_map<std::string_view, std::size_t> of_model;
  of_model.reserve(model.size());
  for (const ModelToken& token : model) {
    of_model.emplace(token.content, entries.size());
    entries.push_back(make_entry(token.id, token.content, TokenKind::ordinary));
  }
  for (const AddedToken& token : added) {
    const TokenKind kind = token.special ? TokenKind::special : TokenKind::ordinary;
    const auto known = of_model.find(token.content);
    if (known == of_model.end()) {
      entries.push_back(make_entry(token.id, token.content, kind));
      continue;
    }
    if (entries[known->second].id != token.id) {
      fail(ErrorKind::bad_input,
           "{}: the added token {} has the id {}, but the model's vocabulary gives it {}", what,
           in_quotes(token.content), token.id, entries[known->second].id);
    }
    entries[known->second].kind = kind;
  }
  return Vocabulary(std::move(entries), what);
}

void check_template(const PostProcessor& post_processor, const Vocabulary& vocabulary,
                    std::string_view what) {
  for (const TemplatePiece& piece : post_processor.pieces()) {
    const IdsPiece* ids = std::get_if<IdsPiece>(&piece);
    if (ids == nullptr) continue;
    for (const TokenId id : *ids) {
      if (vocabulary.find(id) == nullptr) {
        fail(ErrorKind::bad_input, "{}: the post-processor adds the id {}, which no token has", what, id);
      }
    }
  }
}

// True if every byte of a text becomes part of a piece or of an added token.
bool keeps_all(const TokenizerDescription& description) {
  const auto strips = [](const AddedToken& token) { return token.lstrip || token.rstrip; };
  const auto removes = [](const PreTokenizerStage& stage) {
    const auto* pattern = std::get_if<PatternSplit>(&stage);
    const auto* characters = std::get_if<ClassSplit>(&stage);
    return (pattern != nullptr && pattern->behavior == SplitBehavior::removed) ||
           (characters != nullptr && characters->behavior == SplitBehavior::removed);
  };
  return description.normalizer.empty() && std::ranges::none_of(description.added_tokens, strips) &&
         std::ranges::none_of(description.pre_tokenizer, removes);
}

// Bytes of a text that one id can stand for, as far as it does not depend on BPE; 0 if there is no bound.
std::size_t most_bytes_of_id(const TokenizerDescription& description) {
  if (!keeps_all(description)) return 0;
  const auto& stages = description.pre_tokenizer;
  const bool bytes = !stages.empty() && std::holds_alternative<ByteLevel>(stages.back());
  std::size_t most = 4;  // an unknown token stands for one character
  for (const AddedToken& token : description.added_tokens) most = std::max(most, token.content.size());
  for (const ModelToken& token : description.model.tokens) {
    most =
        std::max(most, bytes ? from_byte_alphabet(token.content).value_or("").size() : token.content.size());
  }
  return most;
}

void check_text(std::string_view text, const ControlTokens& control) {
  if (text.size() > Tokenizer::kMaxTextBytes) {
    fail(ErrorKind::limit, "a text of {} bytes to encode; at most {} at once, so cut it into parts",
         text.size(), Tokenizer::kMaxTextBytes);
  }
  if (control.reach() > text.size()) {
    fail(ErrorKind::usage, "control tokens: a span ends at byte {}, but the text has {} bytes",
         control.reach(), text.size());
  }
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const Utf8Char c = decode_utf8(text, i);
    if (!c.valid) {
      fail(ErrorKind::bad_input, "the text to encode is not valid UTF-8 at byte {} (0x{:02x})", i,
           static_cast<unsigned char>(text[i]));
    }
    i += c.length;
  }
}

}  // namespace

struct Tokenizer::Parts {
  std::size_t most_bytes_of_id;  // 0: there is no bound
  Vocabulary vocabulary;
  AddedTokens added_tokens;
  PreTokenizer pre_tokenizer;
  Bpe bpe;
  PostProcessor post_processor;
  std::vector<std::string> notes;

  Parts(TokenizerDescription description, std::string_view what)
      : most_bytes_of_id(tokenizer::most_bytes_of_id(description)),
        vocabulary(join_vocabularies(description.model.tokens, description.added_tokens, what)),
        added_tokens(std::move(description.added_tokens), Normalizer(std::move(description.normalizer)),
                     what),
        pre_tokenizer(std::move(description.pre_tokenizer)),
        bpe(description.model, pre_tokenizer.piece_form()),
        post_processor(std::move(description.post_processor)),
        notes(std::move(description.notes)) {
    check_template(post_processor, vocabulary, what);
    if (!bpe.keeps_all()) most_bytes_of_id = 0;
  }
};

// One text on its way to ids: added tokens -> pieces -> BPE.
class Tokenizer::Encoding : public AddedTokenSink, public PieceSink {
 public:
  Encoding(const Parts& parts, std::size_t text_bytes, std::size_t most)
      : parts_(parts), stages_(parts.pre_tokenizer.new_scratch()), cache_(text_bytes), most_(most) {}

  std::vector<TokenId> run(std::string_view text, const ControlTokens& control) {
    RegexScratch scratch;
    try {
      parts_.added_tokens.extract(text, control, scratch, *this);
    } catch (const Enough&) {  // the rest would only make it longer
    }
    return std::move(ids_);
  }

  void take_token(TokenId id) override {
    ids_.push_back(id);
    stop_if_enough();
  }
  void take_text(std::string_view text) override { parts_.pre_tokenizer.run(text, stages_, *this); }

  void take(std::string_view piece) override {
    add(piece);
    stop_if_enough();
  }

 private:
  struct Enough {};
  void stop_if_enough() const {
    if (ids_.size() > most_) throw Enough();
  }

  void add(std::string_view piece) {
    if (piece.size() > PieceCache::kMaxPieceBytes) {
      parts_.bpe.encode(piece, bpe_, ids_);
      return;
    }
    const PieceCache::Key key(piece);
    if (const auto known = cache_.find(key); !known.empty()) {
      ids_.insert(ids_.end(), known.begin(), known.end());
      return;
    }
    const std::size_t before = ids_.size();
    parts_.bpe.encode(piece, bpe_, ids_);
    cache_.put(key, std::span<const TokenId>(ids_).subspan(before));
  }

  const Parts& parts_;
  PreTokenizer::Scratch stages_;
  Bpe::Scratch bpe_;
  PieceCache cache_;
  std::size_t most_;
  std::vector<TokenId> ids_;
};

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& path) {
  return parse(read_file(path, kMaxFileBytes), path.string());
}

Tokenizer Tokenizer::parse(std::string_view json, std::string_view what) {
  return Tokenizer(std::make_unique<const Parts>(read_tokenizer_json(parse_json(json, what), what), what));
}

const std::vector<std::string>& Tokenizer::notes() const { return parts_->notes; }

std::vector<TokenId> Tokenizer::encode(std::string_view utf8, PostProcess post_process,
                                       const ControlTokens& control, std::size_t most) const {
  check_text(utf8, control);
  std::vector<TokenId> ids = Encoding(*parts_, utf8.size(), most).run(utf8, control);
  return parts_->post_processor.changes_nothing() ? ids : parts_->post_processor.apply(ids, post_process);
}

std::size_t Tokenizer::least_ids(std::size_t bytes) const {
  const std::size_t most = parts_->most_bytes_of_id;
  return most == 0 ? 0 : (bytes + most - 1) / most;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, ControlText control) const {
  std::string bytes;
  for (const TokenId id : ids) {
    if (control == ControlText::skip && is_special(id)) continue;
    bytes += bytes_of(id);
  }
  return is_valid_utf8(bytes) ? bytes : sanitized_utf8(bytes);
}

std::optional<TokenId> Tokenizer::id_of(std::string_view content) const {
  return parts_->vocabulary.id_of(content);
}

std::optional<std::string_view> Tokenizer::content_of(TokenId id) const {
  const VocabularyEntry* entry = parts_->vocabulary.find(id);
  return entry == nullptr ? std::nullopt : std::optional<std::string_view>(entry->content);
}

std::string_view Tokenizer::bytes_of(TokenId id) const {
  const VocabularyEntry* entry = parts_->vocabulary.find(id);
  return entry == nullptr ? std::string_view() : std::string_view(entry->bytes);
}

bool Tokenizer::is_special(TokenId id) const {
  const VocabularyEntry* entry = parts_->vocabulary.find(id);
  return entry != nullptr && entry->kind == TokenKind::special;
}

std::int64_t Tokenizer::vocab_size() const { return parts_->vocabulary.size(); }

TokenId Tokenizer::max_id() const { return parts_->vocabulary.max_id(); }

}  // namespace nestor::tokenizer
