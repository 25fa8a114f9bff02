// Reading a JSON object whose every key must be known: each member is taken by name, and what is left at the
// end is an error. A component with an option that we do not know would otherwise give wrong ids without a
// word.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/json.h"

namespace nestor::tokenizer {

class JsonFields {
 public:
  /// `where` names the object in messages. Throws Error(bad_input) if `object` is no object. Keeps a
  /// reference to it.
  JsonFields(const Json& object, std::string where);

  /// The member, or null if it is absent. An explicit JSON null is a member.
  const Json* find(std::string_view key);
  /// The member; Error(bad_input) if it is absent.
  const Json& require(std::string_view key);

  const std::string& require_string(std::string_view key);
  bool require_bool(std::string_view key);
  bool bool_or(std::string_view key, bool otherwise);
  const Json& require_array(std::string_view key);

  /// Error(unsupported) that names the keys nobody took.
  void expect_no_more() const;

  const std::string& where() const { return where_; }

 private:
  const Json& object_;
  std::string where_;
  std::set<std::string, std::less<>> taken_;
};

/// Error(bad_input) unless the value is of that kind.
const std::string& as_string(const Json& value, std::string_view where);
const Json& as_array(const Json& value, std::string_view where);

/// A token id: an integer from 0 to 2^31 - 1. `what` names its token in messages.
std::int32_t as_token_id(const Json& value, std::string_view where, std::string_view what);

}  // namespace nestor::tokenizer
