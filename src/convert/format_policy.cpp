#include "convert/format_policy.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace nestor::convert {
namespace {

using config::Field;
using config::Storage;
using Layout = quant::Encoding::Layout;

constexpr std::array kSensitive = {Field::q_a, Field::kv_a, Field::kv_b, Field::head, Field::projection};

bool is_sensitive(const config::TensorInfo& t) {
  return std::ranges::find(kSensitive, t.slot.field) != kSensitive.end();
}

// `*` stands for any text.
bool fits(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Layout layout_for(Storage storage) { return storage == Storage::table ? Layout::records : Layout::tiles; }

// Nothing for bf16; Error(usage) for a name that the layout has not.
std::optional<quant::Encoding> parse(Layout layout, const std::string& name, std::string_view what) {
  if (name == "bf16") return std::nullopt;
  const auto encoding = quant::encoding_named(layout, name);
  if (encoding) return encoding;
  std::vector<std::string> known = {"bf16"};
  for (const quant::Encoding& e : quant::encodings(layout)) known.push_back(quant::name_of(e));
  fail(ErrorKind::usage, "{}: expected one of {}, found {}", what, fmt::join(known, ", "), in_quotes(name));
}

}  // namespace

FormatPolicy::FormatPolicy(const FormatRequest& request) : request_(request) {
  parse(Layout::tiles, request.weights, "--weights");
  parse(Layout::records, request.tables, "--tables");
  for (const std::string& text : request.keep) {
    const std::size_t at = text.rfind('=');
    if (at == std::string::npos || at == 0 || at + 1 == text.size()) {
      fail(ErrorKind::usage, "--keep: expected PATTERN=FORMAT, e.g. lm_head*=bf16, found {}",
           in_quotes(text));
    }
    exceptions_.push_back({text.substr(0, at), text.substr(at + 1)});
  }
}

bool FormatPolicy::applies_to(const config::TensorInfo& t) {
  return t.rank == 2 && !config::encodings_of(t.storage).empty();
}

std::optional<quant::Encoding> FormatPolicy::encoding_of(const config::TensorInfo& t) const {
  const Layout layout = layout_for(t.storage);
  for (const Exception& e : exceptions_) {
    if (fits(e.pattern, t.name))
      return parse(layout, e.format, "--keep " + e.pattern + ", which fits " + t.name);
  }
  if (layout == Layout::records) return parse(layout, request_.tables, "--tables");
  if (request_.weights == "q4" && is_sensitive(t)) return quant::encoding_named(layout, "q8");
  return parse(layout, request_.weights, "--weights");
}

bool FormatPolicy::encodes_any(const config::ModelConfig& config, const config::NameLayout& layout) const {
  bool any = false;
  config::for_each_tensor(config, layout, [&](const config::TensorInfo& t) {
    any = any || (applies_to(t) && encoding_of(t).has_value());
  });
  return any;
}

void FormatPolicy::check_patterns(const config::ModelConfig& config, const config::NameLayout& layout) const {
  std::vector<bool> used(exceptions_.size());
  config::for_each_tensor(config, layout, [&](const config::TensorInfo& t) {
    for (std::size_t i = 0; i < exceptions_.size() && applies_to(t); ++i) {
      if (fits(exceptions_[i].pattern, t.name)) used[i] = true;
    }
  });
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) {
      fail(ErrorKind::usage,
           "--keep {}: no matrix or table of this model has such a name; nestor inspect lists them",
           in_quotes(exceptions_[i].pattern));
    }
  }
}

}  // namespace nestor::convert
