#include "grammar/vocabulary.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace nestor::grammar {
namespace {

// Bytes that never occur in UTF-8: C0 and C1 would begin overlong forms, F5 and above lie beyond U+10FFFF.
bool occurs_in_utf8(int byte) { return byte != 0xC0 && byte != 0xC1 && byte < 0xF5; }

}  // namespace

Vocabulary::Vocabulary(const tokenizer::Tokenizer& tokenizer, std::span<const TokenId> stop_ids)
    : stop_ids_(stop_ids.begin(), stop_ids.end()), mask_memory_(std::make_shared<MaskMemory>()) {
  std::vector<Entry> ordinary;
  for (TokenId id = 0; id <= tokenizer.max_id(); ++id) {
    const auto content = tokenizer.content_of(id);
    if (!content) continue;
    if (tokenizer.is_special(id)) {
      control_.emplace(*content, id);
    } else {
      ordinary.push_back({id, std::string(tokenizer.bytes_of(id))});
    }
  }
  build(std::move(ordinary));
}

Vocabulary::Vocabulary(std::vector<Entry> ordinary, const std::vector<Entry>& control,
                       std::span<const TokenId> stop_ids, std::size_t mask_bytes)
    : stop_ids_(stop_ids.begin(), stop_ids.end()), mask_memory_(std::make_shared<MaskMemory>(mask_bytes)) {
  for (const Entry& entry : control) control_.emplace(entry.bytes, entry.id);
  build(std::move(ordinary));
}

void Vocabulary::build(std::vector<Entry> ordinary) {
  for (const auto& [text, id] : control_) id_limit_ = std::max<std::int64_t>(id_limit_, id + 1);
  for (const TokenId id : stop_ids_) {
    if (id < 0) fail(ErrorKind::usage, "a stop token must not be negative, found {}", id);
    id_limit_ = std::max<std::int64_t>(id_limit_, id + 1);
  }
  if (stop_ids_.empty()) {
    fail(ErrorKind::usage, "a grammar needs a stop token, or no text could end; the model has none");
  }
  // A token that stops the text is no part of it.
  std::erase_if(ordinary, [&](const Entry& entry) {
    return entry.bytes.empty() || is_stop(entry.id) || entry.bytes.size() > UINT16_MAX;
  });
  std::sort(ordinary.begin(), ordinary.end(), [](const Entry& a, const Entry& b) {
    return std::pair(std::string_view(a.bytes), a.id) < std::pair(std::string_view(b.bytes), b.id);
  });
  nodes_.push_back({});
  std::vector<std::uint32_t> path{0};  // nodes from the root to the last one
  for (const Entry& entry : ordinary) {
    id_limit_ = std::max<std::int64_t>(id_limit_, entry.id + 1);
    longest_ = std::max(longest_, entry.bytes.size());
    std::size_t same = 0;
    while (same + 1 < path.size() && same < entry.bytes.size() &&
           nodes_[path[same + 1]].byte == static_cast<unsigned char>(entry.bytes[same]))
      ++same;
    for (; path.size() > same + 1; path.pop_back())
      nodes_[path.back()].end = static_cast<std::uint32_t>(nodes_.size());
    for (std::size_t i = same; i < entry.bytes.size(); ++i) {
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back({.end = 0,
                        .first_token = static_cast<std::uint32_t>(tokens_.size()),
                        .byte = static_cast<unsigned char>(entry.bytes[i]),
                        .depth = static_cast<std::uint16_t>(i + 1)});
    }
    tokens_.push_back(entry.id);
  }
  const auto size = static_cast<std::uint32_t>(nodes_.size());
  for (const std::uint32_t node : path) nodes_[node].end = size;
  nodes_.push_back({.end = size, .first_token = static_cast<std::uint32_t>(tokens_.size())});
  bytes_.resize(static_cast<std::size_t>(id_limit_));
  ordinary_.resize((static_cast<std::size_t>(id_limit_) + 63) / 64);
  for (Entry& entry : ordinary) {
    const auto id = static_cast<std::size_t>(entry.id);
    ordinary_[id / 64] |= std::uint64_t{1} << (id % 64);
    const auto quotes = std::count(entry.bytes.begin(), entry.bytes.end(), '"');
    for (std::size_t i = 0; i < quoted_.size() && std::cmp_less(i, quotes); ++i)
      quoted_[i].push_back(entry.id);
    bytes_[id] = std::move(entry.bytes);
  }
  check_bytes();
}

void Vocabulary::check_bytes() const {
  std::vector<bool> known(256, false);
  for (std::uint32_t i = 1; i < nodes().size(); i = nodes_[i].end)
    known[nodes_[i].byte] = !tokens_at(i).empty();
  for (int byte = 0x20; byte < 256; ++byte) {
    if (byte == 0x7F || !occurs_in_utf8(byte) || known[static_cast<std::size_t>(byte)]) continue;
    fail(ErrorKind::unsupported,
         "structured output needs a byte-level vocabulary, but no token is the byte 0x{:02x} alone", byte);
  }
}

std::string_view Vocabulary::bytes_of(TokenId id) const {
  const auto index = static_cast<std::size_t>(id);
  return id >= 0 && index < bytes_.size() ? std::string_view(bytes_[index]) : std::string_view();
}

std::optional<TokenId> Vocabulary::control(std::string_view text) const {
  const auto found = control_.find(std::string(text));
  return found == control_.end() ? std::nullopt : std::optional(found->second);
}

bool Vocabulary::is_stop(TokenId id) const {
  return std::find(stop_ids_.begin(), stop_ids_.end(), id) != stop_ids_.end();
}

}  // namespace nestor::grammar
