#include "corpus/deduplicator.h"

namespace nestor::corpus {
namespace {

constexpr std::string_view kSpaces = " \t\n\v\f\r";

bool is_space(char c) { return kSpaces.find(c) != kSpaces.npos; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string with_single_spaces(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool pending = false;
  for (const char c : text) {
    if (is_space(c)) {
      pending = !out.empty();
      continue;
    }
    if (pending) out.push_back(' ');
    pending = false;
    out.push_back(c);
  }
  return out;
}

double heldout_place(const Document& document) {
  const TextHash hash = hash_of(document.group.empty() ? with_single_spaces(document.text) : document.group);
  return static_cast<double>(hash.high >> 11) * 0x1p-53;
}

bool Deduplicator::pass(Document& document) {
  const std::string plain = with_single_spaces(document.text);
  if (plain.empty()) {
    ++removed_.empty_documents;
    return false;
  }
  if (options_.duplicates == Duplicates::remove && !documents_.insert(hash_of(plain))) {
    ++removed_.duplicate_documents;
    removed_.duplicate_bytes += static_cast<std::int64_t>(document.text.size());
    return false;
  }
  if (options_.dedup_lines_from > 0 && document.control.empty() && document.ids.empty()) {
    drop_repeated_lines(document.text);
    if (trimmed(document.text).empty()) {
      ++removed_.empty_documents;
      return false;
    }
  }
  return true;
}

void Deduplicator::drop_repeated_lines(std::string& text) {
  std::string kept;
  kept.reserve(text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = text.find('\n', begin);
    const std::size_t end = newline == text.npos ? text.size() : newline + 1;
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const std::string_view content = trimmed(line);
    begin = end;
    if (std::ssize(content) >= options_.dedup_lines_from && !lines_.insert(hash_of(content))) {
      ++removed_.repeated_lines;
      removed_.repeated_line_bytes += std::ssize(line);
    } else {
      kept += line;
    }
  }
  text = std::move(kept);
}

}  // namespace nestor::corpus
