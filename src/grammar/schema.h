// A JSON schema as a document: which keywords there are, references, and schemas that have to hold together
// made one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json_fwd.h"
#include "grammar/work.h"

namespace nestor::grammar {

/// Says nothing about documents: title, description, default and the like.
bool is_annotation(std::string_view keyword);

/// The value of a key, or null.
const Json* find(const Json& object, std::string_view key);

/// The place of a part, for messages: places stay short, whatever is named in them.
std::string place_in(const std::string& where, std::string_view part);

/// The names in a value of "type", each once. Throws Error(bad_input) for what is no name.
std::vector<std::string> type_names(const Json& type, const std::string& where);

/// The same text for equal values, and for no others: 1 and 1.0 are equal.
std::string equality_key(const Json& value);

class Schema {
 public:
  /// Keeps references to both.
  Schema(const Json& root, Work& work) : root_(root), work_(work) {}

  /// Throws Error(bad_input) if it is no schema (an object, true or false), Error(unsupported) for a keyword
  /// that is not done; `where` names the place.
  static void check(const Json& schema, const std::string& where);

  /// What a reference "#", "#/$defs/..." names. Throws Error(unsupported) for others, Error(bad_input) if
  /// there is nothing.
  const Json& target(const std::string& reference, const std::string& where);

  /// An equivalent schema without allOf, and without $ref beside other keywords; nothing if it has neither.
  /// Throws as check() does, Error(limit) if there is too much to join.
  std::optional<Json> joined(const Json& schema, const std::string& where);

  /// A schema that holds where both hold.
  Json both(const Json& a, const Json& b);

 private:
  const Json* member(const Json& object, const std::string& key);
  Json join(const Json& a, const Json& b, const std::string& where);
  Json join_all(const Json& schema, const std::string& where, int depth);
  void join_properties(Json& out, const Json& a, const Json& b);
  void join_items(Json& out, const Json& a, const Json& b);

  const Json& root_;
  Work& work_;
  /// Of large objects that references lead through.
  std::unordered_map<const Json*, std::unordered_map<std::string_view, const Json*>> members_;
};

/// A count such as minItems. Throws Error(bad_input) if it is none; huge ones become the largest.
std::uint32_t count_of(const Json& value, const std::string& where);

}  // namespace nestor::grammar
