#include "corpus/documents.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "corpus/byte_source.h"

namespace nestor::corpus {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 18;
constexpr std::size_t kMaxLineBytes = std::size_t{1} << 29;
constexpr std::string_view kMessagesKey = "messages";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::size_t first_ill_formed(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Char c = decode_utf8(text, at);
    if (!c.valid) break;
    at += c.length;
  }
  return at;
}

// A window on the file that moves forward.
class Window {
 public:
  Window(const std::string& name, const std::stop_token& stop) : source_(name, stop) {}

  std::string_view view() const { return std::string_view(text_).substr(begin_); }
  std::uint64_t position() const { return position_; }  // of the view in the unpacked file
  bool at_end() const { return at_end_; }               // nothing beyond the view
  const ByteSource& source() const { return source_; }

  void take(std::size_t bytes) {
    begin_ += bytes;
    position_ += bytes;
  }

  void more() {
    text_.erase(0, begin_);
    begin_ = 0;
    const std::size_t have = text_.size();
    text_.resize(have + kReadBytes);
    const std::size_t n = source_.read(std::span(text_).subspan(have));
    text_.resize(have + n);
    at_end_ = n == 0;
  }

 private:
  ByteSource source_;
  std::string text_;
  std::size_t begin_ = 0;
  std::uint64_t position_ = 0;
  bool at_end_ = false;
};

}  // namespace

std::size_t cut_point(std::string_view text, std::size_t most) {
  const std::string_view head = text.substr(0, most);
  const std::size_t half = most / 2;
  for (const std::string_view end : {"\n\n", "\n\r\n"}) {
    if (const std::size_t at = head.rfind(end); at != head.npos && at >= half) return at + end.size();
  }
  if (const std::size_t at = head.rfind('\n'); at != head.npos && at >= half) return at + 1;
  std::size_t at = head.size() - unfinished_utf8_suffix(head);
  if (at == 0) at = head.size();
  return at;
}

struct DocumentReader::Impl {
  TextFormat format;
  ReadOptions options;
  Window window;
  std::string rest;  // of a long JSON text that is cut
  std::string rest_group;
  std::vector<TextSpan> rest_control;  // of a conversation, which is not cut
  std::int64_t line = 0;               // of the last JSON line, from 1
  std::int64_t skipped_lines = 0;
  bool at_line_start = true;

  Impl(const SourceFile& file, const ReadOptions& o, const std::stop_token& stop)
      : format(file.format), options(o), window(file.name, stop) {
    if (o.max_document_bytes < kLeastDocumentBytes || o.max_document_bytes > kMostDocumentBytes) {
      fail(ErrorKind::usage, "documents of at most {} bytes: expected a number from {} to {}",
           o.max_document_bytes, kLeastDocumentBytes, kMostDocumentBytes);
    }
    if (o.separator.find('\n') != std::string::npos) {
      fail(ErrorKind::usage, "the separator {} has several lines: expected one", in_quotes(o.separator));
    }
    if (format == TextFormat::megatron) {
      fail(ErrorKind::unsupported, "{}: token ids, not text; nestor data reads them", file.name);
    }
    while (window.view().size() < kByteOrderMark.size() && !window.at_end()) window.more();
    if (window.view().starts_with(kByteOrderMark)) window.take(kByteOrderMark.size());
    if (format == TextFormat::by_content)
      format = looks_like_json_lines() ? TextFormat::jsonl : TextFormat::text;
  }

  std::size_t most() const { return static_cast<std::size_t>(options.max_document_bytes); }
  const std::string& name() const { return window.source().name(); }

  // True if the first line that is not blank is an object with the text.
  bool looks_like_json_lines() {
    for (;;) {
      const std::string_view view = window.view();
      const std::size_t begin = std::min(view.find_first_not_of(" \t\r\n"), view.size());
      const std::size_t end = view.find('\n', begin);
      if (begin < view.size() && view[begin] != '{') return false;
      if ((begin < view.size() && end != view.npos) || window.at_end() || view.size() > kMaxLineBytes) {
        return is_line(view.substr(begin, end == view.npos ? end : end - begin));
      }
      window.more();
    }
  }

  bool is_line(std::string_view text) const {
    try {
      const Json object = parse_json(text, name());
      return object.is_object() &&
             (value_at(object, options.text_key) != nullptr || object.contains(kMessagesKey));
    } catch (const Error&) {
      return false;
    }
  }

  // Text that begins at byte `position` of the file.
  std::string checked(std::string_view text, std::uint64_t position) const {
    const std::size_t at = first_ill_formed(text);
    if (at == text.size()) return std::string(text);
    if (options.bad_text == BadText::repair) return sanitized_utf8(text);
    fail(ErrorKind::bad_input,
         "{}: not UTF-8 at byte {} (0x{:02x}); convert the file, or repair such bytes with --repair", name(),
         position + at, static_cast<unsigned char>(text[at]));
  }

  struct Line {
    std::size_t begin = std::string_view::npos, end = 0;  // its newline included
  };

  // The first separator line of the view that is complete; nothing found: begin is npos.
  Line separator_line(std::string_view view) const {
    const std::string& s = options.separator;
    for (std::size_t at = view.find(s); at != view.npos; at = view.find(s, at + 1)) {
      if (at == 0 ? !at_line_start : view[at - 1] != '\n') continue;
      const std::string_view after = view.substr(at + s.size());
      if (after.empty() && window.at_end()) return {at, view.size()};
      if (after.starts_with('\n')) return {at, at + s.size() + 1};
      if (after.starts_with("\r\n")) return {at, at + s.size() + 2};
    }
    return {};
  }

  bool next_text(Document& document) {
    for (;;) {
      const std::string_view view = window.view();
      const Line separator = options.separator.empty() ? Line{} : separator_line(view);
      if (separator.begin <= most()) return give(document, separator.begin, separator.end);
      if (view.size() > most()) {
        const std::size_t at = cut_point(view, most());
        return give(document, at, at);
      }
      if (window.at_end()) return !view.empty() && give(document, view.size(), view.size());
      window.more();
    }
  }

  // The document is the first `bytes` of the view; `taken` are done with.
  bool give(Document& document, std::size_t bytes, std::size_t taken) {
    const std::string_view view = window.view();
    document.text = checked(view.substr(0, bytes), window.position());
    at_line_start = taken == 0 || view[taken - 1] == '\n';
    window.take(taken);
    return true;
  }

  bool next_json(Document& document) {
    while (rest.empty()) {
      const std::size_t end = window.view().find('\n', searched_);
      if (end == std::string_view::npos && !window.at_end()) {
        searched_ = window.view().size();
        if (searched_ > kMaxLineBytes) {
          fail(ErrorKind::limit, "{}: line {} has more than {} MiB; is it one JSON object a line?", name(),
               line + 1, kMaxLineBytes >> 20);
        }
        window.more();
        continue;
      }
      const std::string_view text = window.view().substr(0, end);
      if (end == std::string_view::npos && text.empty()) return false;
      ++line;
      searched_ = 0;
      const bool is_read = text.find_first_not_of(" \t\r") != text.npos && read_line(text);
      window.take(std::min(text.size() + 1, window.view().size()));
      if (is_read && rest.empty()) {  // an empty document
        document = {"", rest_group};
        return true;
      }
    }
    const bool cut = rest_control.empty() && rest.size() > most();
    const std::size_t at = cut ? cut_point(rest, most()) : rest.size();
    document = {rest.substr(0, at), rest_group, rest_control};
    rest.erase(0, at);
    return true;
  }

  // False for a line that is left out.
  bool read_line(std::string_view text) {
    const std::string where = fmt::format("{}: line {}", name(), line);
    Json object;
    rest_control.clear();
    try {
      object = parse_json(checked(text, window.position()), where);
      read_text(object, where);
    } catch (const Error& problem) {
      if (problem.kind() != ErrorKind::bad_input || options.bad_lines == BadLines::refuse) throw;
      rest.clear();
      rest_control.clear();
      ++skipped_lines;
      return false;
    }
    if (!options.group_key.empty()) rest_group = string_at(object, options.group_key, "--heldout-by", where);
    return true;
  }

  void read_text(const Json& object, const std::string& where) {
    if (!object.is_object())
      fail(ErrorKind::bad_input, "{}: expected a JSON object, found {}", where, kind_of(object));
    const bool has_text = value_at(object, options.text_key) != nullptr;
    if (options.conversations && !has_text && object.contains(kMessagesKey)) {
      read_conversation(object, where);
    } else {
      rest = string_at(object, options.text_key, "--text-key", where);
    }
  }

  void read_conversation(const Json& object, const std::string& where) {
    const Json& messages = object.at(kMessagesKey);
    const auto has_role = [](const Json& message) {
      return message.is_object() && message.contains("role") && message.at("role").is_string();
    };
    if (!messages.is_array() || !std::all_of(messages.begin(), messages.end(), has_role)) {
      fail(ErrorKind::bad_input, "{}: {} must be a list of objects, each with its role", where,
           in_quotes(kMessagesKey));
    }
    try {
      WrittenConversation written = options.conversations(object);
      rest = std::move(written.text);
      rest_control = std::move(written.control);
    } catch (const Error& problem) {
      fail(problem.kind(), "{}: {}", where, problem.what());
    }
  }

  // The member of that name, else "a.b" as b in the member a; null if there is none.
  static const Json* value_at(const Json& object, const std::string& key) {
    if (!object.is_object()) return nullptr;
    if (const auto it = object.find(key); it != object.end()) return &*it;
    for (std::size_t dot = key.find('.'); dot != key.npos; dot = key.find('.', dot + 1)) {
      const auto it = object.find(key.substr(0, dot));
      if (it == object.end()) continue;
      if (const Json* inside = value_at(*it, key.substr(dot + 1)); inside != nullptr) return inside;
    }
    return nullptr;
  }

  static std::string string_at(const Json& object, const std::string& key, std::string_view option,
                               const std::string& where) {
    const Json* value = value_at(object, key);
    if (value == nullptr) {
      fail(ErrorKind::bad_input, "{}: no key {}; {} names the right one", where, in_quotes(key), option);
    }
    if (!value->is_string()) {
      fail(ErrorKind::bad_input, "{}: the value of {} must be a string, found {}", where, in_quotes(key),
           kind_of(*value));
    }
    return value->get<std::string>();
  }

 private:
  std::size_t searched_ = 0;  // of the view, for the end of a JSON line
};

DocumentReader::DocumentReader(const SourceFile& file, const ReadOptions& options,
                               const std::stop_token& stop)
    : impl_(std::make_unique<Impl>(file, options, stop)) {}

DocumentReader::~DocumentReader() = default;

bool DocumentReader::next(Document& document) {
  document.group.clear();
  document.control.clear();
  document.ids.clear();
  return impl_->format == TextFormat::text ? impl_->next_text(document) : impl_->next_json(document);
}

std::int64_t DocumentReader::skipped_lines() const { return impl_->skipped_lines; }

std::uint64_t DocumentReader::consumed() const { return impl_->window.source().consumed(); }

}  // namespace nestor::corpus
