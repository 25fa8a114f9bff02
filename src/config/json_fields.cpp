#include "config/json_fields.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/excerpt.h"

namespace nestor::config {

Fields::Fields(const Json& object, std::string what) : object_(object), what_(std::move(what)) {
  if (!object.is_object())
    fail(ErrorKind::bad_input, "{}: expected an object, found {}", what_, kind_of(object));
}

const Json* Fields::find(const std::string& key) {
  known_.insert(key);
  const auto it = object_.find(key);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

bool Fields::has(const std::string& key) { return find(key) != nullptr; }

bool Fields::is_null(const std::string& key) { return find(key) == nullptr && object_.contains(key); }

std::int64_t Fields::checked_integer(const Json& value, const std::string& key, std::int64_t low,
                                     std::int64_t high) const {
  std::optional<std::int64_t> number;
  if (value.is_number_unsigned()) {
    const auto v = value.get<std::uint64_t>();
    if (v <= static_cast<std::uint64_t>(INT64_MAX)) number = static_cast<std::int64_t>(v);
  } else if (value.is_number_integer()) {
    number = value.get<std::int64_t>();
  } else if (!value.is_number_float() || value.get<double>() != std::floor(value.get<double>())) {
    fail(ErrorKind::bad_input, "{}: {} must be a whole number, found {}", what_, key, kind_of(value));
  } else if (std::fabs(value.get<double>()) < 0x1p53) {  // 4.0 is how some writers spell 4
    number = static_cast<std::int64_t>(value.get<double>());
  }
  if (!number || *number < low || *number > high) {
    fail(ErrorKind::bad_input, "{}: {} must be between {} and {}, found {}", what_, key, low, high,
         excerpt(value));
  }
  return *number;
}

double Fields::checked_number(const Json& value, const std::string& key, double low, double high) const {
  if (!value.is_number()) {
    fail(ErrorKind::bad_input, "{}: {} must be a number, found {}", what_, key, kind_of(value));
  }
  const double number = value.get<double>();
  if (!(number >= low && number <= high)) {
    fail(ErrorKind::bad_input, "{}: {} must be between {} and {}, found {}", what_, key, low, high,
         excerpt(value));
  }
  return number;
}

std::int64_t Fields::integer(const std::string& key, std::int64_t low, std::int64_t high) {
  const auto value = optional_integer(key, low, high);
  if (!value) note_missing(key);
  return value.value_or(low);
}

std::optional<std::int64_t> Fields::optional_integer(const std::string& key, std::int64_t low,
                                                     std::int64_t high) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  return checked_integer(*value, key, low, high);
}

double Fields::number(const std::string& key, double low, double high) {
  const auto value = optional_number(key, low, high);
  if (!value) note_missing(key);
  return value.value_or(low);
}

std::optional<double> Fields::optional_number(const std::string& key, double low, double high) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  return checked_number(*value, key, low, high);
}

std::optional<bool> Fields::optional_boolean(const std::string& key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    fail(ErrorKind::bad_input, "{}: {} must be true or false, found {}", what_, key, kind_of(*value));
  }
  return value->get<bool>();
}

std::optional<std::string> Fields::optional_string(const std::string& key) {
  const Json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    fail(ErrorKind::bad_input, "{}: {} must be a string, found {}", what_, key, kind_of(*value));
  }
  return value->get<std::string>();
}

std::optional<std::string> Fields::string_if_any(const std::string& key) {
  const Json* value = find(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

const Json* Fields::optional_object(const std::string& key) {
  const Json* value = find(key);
  if (value != nullptr && !value->is_object()) {
    fail(ErrorKind::bad_input, "{}: {} must be an object, found {}", what_, key, kind_of(*value));
  }
  return value;
}

const Json* Fields::optional_array(const std::string& key) {
  const Json* value = find(key);
  if (value != nullptr && !value->is_array()) {
    fail(ErrorKind::bad_input, "{}: {} must be a list, found {}", what_, key, kind_of(*value));
  }
  return value;
}

bool Fields::is_array(const std::string& key) {
  const Json* value = find(key);
  return value != nullptr && value->is_array();
}

std::vector<std::int64_t> Fields::integers(const std::string& key, std::int64_t low, std::int64_t high) {
  std::vector<std::int64_t> values;
  for (const Json& value : *optional_array(key)) values.push_back(checked_integer(value, key, low, high));
  return values;
}

std::vector<std::string> Fields::strings(const std::string& key) {
  std::vector<std::string> values;
  for (const Json& value : *optional_array(key)) {
    if (!value.is_string()) {
      fail(ErrorKind::bad_input, "{}: {} must hold strings, found {}", what_, key, kind_of(value));
    }
    values.push_back(value.get<std::string>());
  }
  return values;
}

void Fields::ignore(const std::vector<std::string>& keys) { known_.insert(keys.begin(), keys.end()); }

void Fields::require_value(const std::string& key, const Json& accepted_value, const std::string& reason) {
  const Json* value = find(key);
  if (value != nullptr && *value != accepted_value) {
    fail(ErrorKind::unsupported, "{}: {} = {} is not supported ({}); expected {}", what_, key,
         excerpt(*value), reason, excerpt(accepted_value));
  }
}

void Fields::check_missing() const {
  if (!missing_.empty()) {
    fail(ErrorKind::bad_input, "{}: missing {}: {}", what_, missing_.size() == 1 ? "key" : "keys",
         fmt::join(missing_, ", "));
  }
}

void Fields::check_unknown(const std::vector<std::string>& accepted) const {
  std::vector<std::string> unknown;
  for (const auto& [key, value] : object_.items()) {
    if (!value.is_null() && known_.count(key) == 0 &&
        std::find(accepted.begin(), accepted.end(), key) == accepted.end()) {
      unknown.push_back(key);
    }
  }
  if (unknown.empty()) return;
  fail(ErrorKind::unsupported,
       "{}: unknown {} {}: it may change what the model computes. If you know that it does not, pass "
       "--accept-key for "
       "each of them",
       what_, unknown.size() == 1 ? "key" : "keys", excerpt(unknown));
}

}  // namespace nestor::config
