#include "serve/api/body.h"

#include <cmath>

#include "base/excerpt.h"
#include "base/json_budget.h"

namespace nestor::serve {

Json parse_body(std::string_view text) {
  JsonBudget budget{kMostJsonValues};
  return parse_json(text, "the request body", budget);
}

Body::Body(const Json& object, std::string place) : object_(object), place_(std::move(place)) {
  if (object.is_object()) return;
  throw RequestError(ErrorKind::bad_input, place_,
                     fmt::format("{}: expected an object, found {}",
                                 place_.empty() ? "the request body" : place_, kind_of(object)));
}

std::string Body::path(std::string_view key) const {
  return place_.empty() ? std::string(key) : fmt::format("{}.{}", place_, key);
}

void Body::bad(std::string_view key, const std::string& message) const {
  throw RequestError(ErrorKind::bad_input, path(key), fmt::format("{}: {}", path(key), message));
}

void Body::wrong_type(std::string_view key, const char* expected, const Json& found) const {
  bad(key, fmt::format("expected {}, found {}", expected, excerpt(found)));
}

const Json* Body::any(std::string_view key) {
  known_.emplace(key);
  const auto found = object_.find(std::string(key));
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<bool> Body::boolean(std::string_view key) {
  const Json* value = any(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) wrong_type(key, "true or false", *value);
  return value->get<bool>();
}

std::optional<std::int64_t> Body::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const Json* value = any(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_integer()) wrong_type(key, "a whole number", *value);
  const bool huge = value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX;
  const std::int64_t number = huge ? INT64_MAX : value->get<std::int64_t>();
  if (huge || number < least || number > most) {
    bad(key, fmt::format("expected {} to {}, found {}", least, most, excerpt(*value)));
  }
  return number;
}

std::optional<double> Body::number(std::string_view key, double least, double most) {
  const Json* value = any(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) wrong_type(key, "a number", *value);
  const auto number = value->get<double>();
  if (!(number >= least && number <= most)) {
    bad(key, fmt::format("expected {} to {}, found {}", least, most, excerpt(*value)));
  }
  return number;
}

std::optional<std::string> Body::text(std::string_view key) {
  const Json* value = any(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) wrong_type(key, "a string", *value);
  return value->get<std::string>();
}

const Json* Body::array(std::string_view key) {
  const Json* value = any(key);
  if (value != nullptr && !value->is_array()) wrong_type(key, "an array", *value);
  return value;
}

const Json* Body::object(std::string_view key) {
  const Json* value = any(key);
  if (value != nullptr && !value->is_object()) wrong_type(key, "an object", *value);
  return value;
}

void Body::pass_over(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) known_.emplace(key);
}

void Body::only(std::string_view key, const Json& value, std::string_view why) {
  const Json* found = any(key);
  if (found == nullptr || *found == value) return;
  throw RequestError(ErrorKind::unsupported, path(key), fmt::format("{}: {}", path(key), why));
}

void Body::refuse(std::string_view key, std::string_view why) {
  if (any(key) != nullptr) {
    throw RequestError(ErrorKind::unsupported, path(key), fmt::format("{}: {}", path(key), why));
  }
}

void Body::refuse_unknown() const {
  for (const auto& [key, value] : object_.items()) {
    if (value.is_null() || known_.contains(key)) continue;
    throw RequestError(
        ErrorKind::unsupported, path(in_quotes(key).substr(1, key.size())),
        fmt::format("unknown parameter {}{}{}", in_quotes(key), place_.empty() ? "" : " of ", place_));
  }
}

std::vector<std::int32_t> token_ids(const Json& array, const std::string& path) {
  std::vector<std::int32_t> ids;
  ids.reserve(array.size());
  for (const Json& value : array) {
    const bool whole = value.is_number_unsigned() && value.get<std::uint64_t>() <= INT32_MAX;
    if (!whole) {
      throw RequestError(
          ErrorKind::bad_input, fmt::format("{}[{}]", path, ids.size()),
          fmt::format("{}[{}]: expected a token id, found {}", path, ids.size(), excerpt(value)));
    }
    ids.push_back(value.get<std::int32_t>());
  }
  return ids;
}

}  // namespace nestor::serve
