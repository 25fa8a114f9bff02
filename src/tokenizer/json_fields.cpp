#include "tokenizer/json_fields.h"

#include <limits>

#include "base/error.h"

namespace nestor::tokenizer {

JsonFields::JsonFields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (!object.is_object())
    fail(ErrorKind::bad_input, "{}: expected an object, found {}", where_, kind_of(object));
}

const Json* JsonFields::find(std::string_view key) {
  const auto at = object_.find(key);
  if (at == object_.end()) return nullptr;
  taken_.insert(std::string(key));
  return &*at;
}

const Json& JsonFields::require(std::string_view key) {
  const Json* value = find(key);
  if (value == nullptr) fail(ErrorKind::bad_input, "{}: the key \"{}\" is missing", where_, key);
  return *value;
}

const std::string& JsonFields::require_string(std::string_view key) {
  return as_string(require(key), fmt::format("{}: {}", where_, key));
}

bool JsonFields::require_bool(std::string_view key) {
  const Json& value = require(key);
  if (!value.is_boolean()) {
    fail(ErrorKind::bad_input, "{}: {}: expected true or false, found {}", where_, key, kind_of(value));
  }
  return value.get<bool>();
}

bool JsonFields::bool_or(std::string_view key, bool otherwise) {
  return object_.contains(key) ? require_bool(key) : otherwise;
}

const Json& JsonFields::require_array(std::string_view key) {
  return as_array(require(key), fmt::format("{}: {}", where_, key));
}

void JsonFields::expect_no_more() const {
  for (const auto& [key, value] : object_.items()) {
    if (taken_.find(key) == taken_.end()) {
      fail(ErrorKind::unsupported, "{}: the key {} is not known here, so its meaning cannot be respected",
           where_, in_quotes(key));
    }
  }
}

const std::string& as_string(const Json& value, std::string_view where) {
  if (!value.is_string())
    fail(ErrorKind::bad_input, "{}: expected a string, found {}", where, kind_of(value));
  return value.get_ref<const std::string&>();
}

const Json& as_array(const Json& value, std::string_view where) {
  if (!value.is_array()) fail(ErrorKind::bad_input, "{}: expected an array, found {}", where, kind_of(value));
  return value;
}

std::int32_t as_token_id(const Json& value, std::string_view where, std::string_view what) {
  constexpr auto kMax = std::numeric_limits<std::int32_t>::max();
  if (!value.is_number_integer()) {
    fail(ErrorKind::bad_input, "{}: the id of {} must be an integer, found {}", where, in_quotes(what),
         kind_of(value));
  }
  const bool fits = value.is_number_unsigned()
                        ? value.get<std::uint64_t>() <= static_cast<std::uint64_t>(kMax)
                        : value.get<std::int64_t>() >= 0 && value.get<std::int64_t>() <= kMax;
  if (!fits) {
    fail(ErrorKind::bad_input, "{}: the id of {} must lie in 0..{}, found {}", where, in_quotes(what), kMax,
         to_text(value));
  }
  return value.get<std::int32_t>();
}

}  // namespace nestor::tokenizer
