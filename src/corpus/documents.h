// The documents of one source file, one after the other, in bounded memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "base/text_span.h"
#include "base/token_id.h"
#include "corpus/sources.h"

namespace nestor::corpus {

/// Treatment of JSON lines that are no object with the text.
enum class BadLines { refuse, skip };

/// What is done with bytes that are not UTF-8.
enum class BadText { refuse, repair };  // repair: U+FFFD for each ill-formed part

/// A conversation as the text that a model reads.
struct WrittenConversation {
  std::string text;               // valid UTF-8
  std::vector<TextSpan> control;  // byte ranges in which control tokens count
};

/// Writes the "messages" of a JSON line, with its "tools" where it has them. Throws Error.
using ConversationWriter = std::function<WrittenConversation(const Json& line)>;

struct ReadOptions {
  /// Of a JSON line: the string that is the document. "a.b" is b of the object a, where there is no key
  /// "a.b".
  std::string text_key = "text";
  std::string group_key;  // likewise: a string that is handed on as Document::group; empty: none
  std::string separator;  // a line of a plain text that ends a document; empty: none
  /// Longer documents are cut in several, after an empty line if there is one in the second half, else after
  /// a line, else between characters.
  std::int64_t max_document_bytes = std::int64_t{1} << 18;
  BadText bad_text = BadText::refuse;
  BadLines bad_lines = BadLines::refuse;
  /// Of JSON lines that have "messages" in place of the text key; empty: they are refused.
  ConversationWriter conversations = {};
};

/// What max_document_bytes may be.
inline constexpr std::int64_t kLeastDocumentBytes = 16, kMostDocumentBytes = std::int64_t{1} << 28;

struct Document {
  std::string text;                    // valid UTF-8
  std::string group = {};              // value of the group key, or empty
  std::vector<TextSpan> control = {};  // of a conversation: where control tokens count
  std::vector<TokenId> ids = {};       // of token shards, whose text is what these ids say
};

/// A plain text is one document, or several with a separator; a byte order mark at its beginning is dropped.
/// Of a JSON line the text is one, or a conversation, which is never cut; empty lines are passed over.
class DocumentReader {
 public:
  /// Throws Error: usage (max_document_bytes), and what ByteSource throws.
  DocumentReader(const SourceFile& file, const ReadOptions& options, const std::stop_token& stop);
  ~DocumentReader();

  /// The next document, empty ones included; false at the end. Throws Error: bad_input with file and byte or
  /// line (not UTF-8, no JSON object, key missing or no string, messages that cannot be written), limit (a
  /// JSON line of more than 512 MiB), and what ByteSource throws.
  bool next(Document& document);

  /// Bytes taken from the file.
  std::uint64_t consumed() const;
  /// Lines that were left out so far.
  std::int64_t skipped_lines() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Where a text of more than `most` bytes is to be cut: a place in (0, most]; see ReadOptions.
std::size_t cut_point(std::string_view text, std::size_t most);

}  // namespace nestor::corpus
