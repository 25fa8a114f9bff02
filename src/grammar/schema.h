// A JSON schema as a document: which keywords there are, references, and schemas that have to hold together
// made one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace nestor::grammar {

/// Says nothing about documents: title, description, default and the like.
bool is_annotation(std::string_view keyword);

/// The value of a key, or null.
const Json* find(const Json& object, std::string_view key);

class Schema {
 public:
  /// Keeps a reference to the document.
  explicit Schema(const Json& root) : root_(root) {}

  /// Throws Error(bad_input) if it is no schema (an object, true or false), Error(unsupported) for a keyword
  /// that is not done; `where` names the place.
  void check(const Json& schema, const std::string& where) const;

  /// What a reference "#", "#/$defs/..." names. Throws Error(unsupported) for others, Error(bad_input) if
  /// there is nothing.
  const Json& target(const std::string& reference, const std::string& where) const;

  /// An equivalent schema without allOf, and without $ref beside other keywords. Throws as check() does,
  /// Error(limit) if there is too much to join.
  Json joined(const Json& schema, const std::string& where);

 private:
  Json join(const Json& a, const Json& b, const std::string& where);
  Json join_all(const Json& schema, const std::string& where, int depth);

  const Json& root_;
  std::size_t budget_ = 200'000;  // values that joining may still copy
};

/// A schema that holds where both hold.
Json both(const Json& a, const Json& b);

/// A count such as minItems. Throws Error(bad_input) if it is none; huge ones become the largest.
std::uint32_t count_of(const Json& value, const std::string& where);

}  // namespace nestor::grammar
