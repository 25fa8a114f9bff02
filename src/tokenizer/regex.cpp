#include "tokenizer/regex.h"

#include <oniguruma.h>

#include "base/error.h"
#include "base/utf8.h"
#include "tokenizer/pattern_spelling.h"

namespace nestor::tokenizer {
namespace {

constexpr std::size_t kMaxPatternBytes = 64 << 10;
// Entries of the backtracking stack, about 40 bytes each. A greedy loop takes one for each character.
constexpr unsigned kMaxStackEntries = 16U << 20;
constexpr unsigned long kRetriesAtLeast = 16UL << 20;
constexpr unsigned long kRetriesForAByte = 16;

const OnigUChar* bytes_of(std::string_view text) { return reinterpret_cast<const OnigUChar*>(text.data()); }

// The pattern as written in the message: only what would break the line is escaped, so that it can be
// searched for.
std::string shown(std::string_view pattern) {
  std::string out;
  for (const char c : sanitized_utf8(pattern.substr(0, 400))) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + (pattern.size() > 400 ? "..." : "");
}

// Once in the life of the program; the compiler makes the initialisation of a local static thread-safe.
void initialize_oniguruma() {
  static const int status = [] {
    OnigEncoding encodings[] = {ONIG_ENCODING_UTF8};
    return onig_initialize(encodings, 1);
  }();
  if (status != ONIG_NORMAL) fail(ErrorKind::internal, "Oniguruma cannot be initialised (status {})", status);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$#&-~").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

struct RegexScratch::Buffers {
  OnigRegion* region = onig_region_new();
  OnigMatchParam* limits = onig_new_match_param();

  Buffers() {
    if (region == nullptr || limits == nullptr) throw std::bad_alloc();
    onig_initialize_match_param(limits);
    onig_set_match_stack_limit_size_of_match_param(limits, kMaxStackEntries);
  }
  ~Buffers() {
    onig_region_free(region, 1);
    onig_free_match_param(limits);
  }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;
};

RegexScratch::RegexScratch() : buffers_(std::make_unique<Buffers>()) {}
RegexScratch::~RegexScratch() = default;
RegexScratch::RegexScratch(RegexScratch&&) noexcept = default;

struct Regex::Compiled {
  OnigRegex regex = nullptr;
  std::string where;

  explicit Compiled(std::string_view place) : where(place) {}
  ~Compiled() { onig_free(regex); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
};

Regex::Regex(std::string_view pattern, std::string_view where) {
  initialize_oniguruma();
  if (pattern.size() > kMaxPatternBytes) {
    fail(ErrorKind::unsupported, "{}: the pattern {} has {} bytes; at most {} are supported", where,
         shown(pattern), pattern.size(), kMaxPatternBytes);
  }
  auto compiled = std::make_shared<Compiled>(where);
  OnigErrorInfo info;
  const std::string text = spelled_out(pattern);
  const int status = onig_new(&compiled->regex, bytes_of(text), bytes_of(text) + text.size(),
                              ONIG_OPTION_NONE, ONIG_ENCODING_UTF8, ONIG_SYNTAX_ONIGURUMA, &info);
  if (status != ONIG_NORMAL) {
    OnigUChar reason[ONIG_MAX_ERROR_MESSAGE_LEN] = {};
    onig_error_code_to_str(reason, status, &info);
    fail(ErrorKind::unsupported, "{}: the pattern {} is no regular expression that Oniguruma {} compiles: {}",
         where, shown(pattern), onig_version(), sanitized_utf8(reinterpret_cast<const char*>(reason)));
  }
  compiled_ = std::move(compiled);
}

Regex Regex::literal(std::string_view text, std::string_view where) { return Regex(escaped(text), where); }

std::size_t Regex::after_character(std::string_view text, std::size_t at) {
  return at < text.size() ? at + decode_utf8(text, at).length : at + 1;
}

void Regex::begin(std::string_view text, RegexScratch& scratch) const {
  const unsigned long retries = kRetriesAtLeast + kRetriesForAByte * text.size();
  onig_set_retry_limit_in_match_of_match_param(scratch.buffers_->limits, retries);
  onig_set_retry_limit_in_search_of_match_param(scratch.buffers_->limits, retries);
}

bool Regex::search(std::string_view text, std::size_t from, RegexScratch& scratch, TextSpan& match) const {
  OnigRegion* region = scratch.buffers_->region;
  const OnigUChar* first = bytes_of(text);
  const OnigUChar* last = first + text.size();
  const int status = onig_search_with_param(compiled_->regex, first, last, first + from, last, region,
                                            ONIG_OPTION_NONE, scratch.buffers_->limits);
  if (status == ONIG_MISMATCH) return false;
  if (status < 0) {
    OnigUChar reason[ONIG_MAX_ERROR_MESSAGE_LEN] = {};
    onig_error_code_to_str(reason, status);
    fail(ErrorKind::limit, "{}: matching a text of {} bytes stopped at byte {}: {}; try a shorter text",
         compiled_->where, text.size(), from, reinterpret_cast<const char*>(reason));
  }
  match = {static_cast<std::size_t>(region->beg[0]), static_cast<std::size_t>(region->end[0])};
  // \\K inside a look-around can put the ends of a match anywhere.
  if (match.begin < from || match.end < match.begin) {
    fail(ErrorKind::unsupported,
         "{}: the pattern's match ends before it begins; remove \\K from look-arounds", compiled_->where);
  }
  return true;
}

}  // namespace nestor::tokenizer
