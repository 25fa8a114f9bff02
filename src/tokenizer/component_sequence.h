// Components of a tokenizer.json nest: {"type": "Sequence", "<members>": [component...]}. This walks the
// nesting.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "tokenizer/json_fields.h"

namespace nestor::tokenizer {

/// More stages than any published file has by far; each one costs time for every piece of text.
inline constexpr std::size_t kMaxStages = 64;

/// Calls read(fields, type) for each component that is no Sequence, in order. `fields` has "type" taken. Null
/// holds no component. Throws Error(unsupported) beyond kMaxStages.
template <typename Read>
void for_each_component(const Json& json, std::string_view where, std::string_view members, const Read& read,
                        std::size_t& count) {
  if (json.is_null()) return;
  JsonFields fields(json, std::string(where));
  const std::string& type = fields.require_string("type");
  if (type != "Sequence") {
    if (++count > kMaxStages) {
      fail(ErrorKind::unsupported, "{}: more than {} components", where, kMaxStages);
    }
    read(fields, type);
    fields.expect_no_more();
    return;
  }
  const Json& list = fields.require_array(members);
  fields.expect_no_more();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", where, i);
    if (list[i].is_null()) fail(ErrorKind::bad_input, "{}: expected an object, found null", place);
    for_each_component(list[i], place, members, read, count);
  }
}

template <typename Read>
void for_each_component(const Json& json, std::string_view where, std::string_view members,
                        const Read& read) {
  std::size_t count = 0;
  for_each_component(json, where, members, read, count);
}

}  // namespace nestor::tokenizer
