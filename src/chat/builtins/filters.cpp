#include "chat/builtins/filters.h"

#include <algorithm>
#include <array>

#include "chat/builtins/filter_table.h"

namespace nestor::chat {
namespace {

FilterBody find_filter(std::string_view name) {
  for (const auto table : {text_filters(), number_filters(), sequence_filters(), order_filters()}) {
    for (const NamedFilter& filter : table) {
      if (filter.name == name) return filter.body;
    }
  }
  return nullptr;
}

bool is_known_elsewhere(std::string_view name) {
  constexpr std::array<std::string_view, 16> kBeyondTheSubset = {
      "attr",  "batch",     "center",   "filesizeformat", "forceescape", "groupby",   "pprint",   "random",
      "slice", "striptags", "truncate", "urlencode",      "urlize",      "wordcount", "wordwrap", "xmlattr"};
  return std::find(kBeyondTheSubset.begin(), kBeyondTheSubset.end(), name) != kBeyondTheSubset.end();
}

}  // namespace

bool is_filter(std::string_view name) { return find_filter(name) || is_known_elsewhere(name); }

Value apply_filter(Runtime& runtime, std::string_view name, const Value& input, const Arguments& arguments) {
  const Runtime::Depth depth(runtime);
  if (const FilterBody body = find_filter(name)) return body(runtime, input, arguments);
  if (is_known_elsewhere(name)) fail(ErrorKind::unsupported, "the filter '{}' is not supported", name);
  fail(ErrorKind::bad_input, "No filter named {}.", in_quotes(name));
}

}  // namespace nestor::chat
