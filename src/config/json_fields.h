// Typed access to the members of one JSON object, with the message that a wrong one deserves, and the
// knowledge of which keys were looked at.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"

namespace nestor::config {

class Fields {
 public:
  /// `object` must outlive this. `what` prefixes messages ("config.json", "config.json: rope_scaling").
  Fields(const Json& object, std::string what);

  /// True if the key is there with a value other than null. Marks the key as known.
  bool has(const std::string& key);

  /// True if the key is there and null.
  bool is_null(const std::string& key);

  /// Whole numbers within [low, high]. The first form collects a missing key in missing().
  std::int64_t integer(const std::string& key, std::int64_t low, std::int64_t high);
  std::optional<std::int64_t> optional_integer(const std::string& key, std::int64_t low, std::int64_t high);

  /// Finite numbers within [low, high].
  double number(const std::string& key, double low, double high);
  std::optional<double> optional_number(const std::string& key, double low, double high);

  std::optional<bool> optional_boolean(const std::string& key);
  std::optional<std::string> optional_string(const std::string& key);
  /// The string at the key; nothing if there is no string.
  std::optional<std::string> string_if_any(const std::string& key);
  const Json* optional_object(const std::string& key);
  const Json* optional_array(const std::string& key);
  bool is_array(const std::string& key);

  /// The elements of a list that is there.
  std::vector<std::int64_t> integers(const std::string& key, std::int64_t low, std::int64_t high);
  std::vector<std::string> strings(const std::string& key);

  /// Marks keys as known and meaningless here.
  void ignore(const std::vector<std::string>& keys);

  /// Error(unsupported) if the key is there with a value other than null and `accepted_value`.
  void require_value(const std::string& key, const Json& accepted_value, const std::string& reason);

  /// Notes a required key that is absent; reported by check_missing().
  void note_missing(const std::string& key) { missing_.push_back(key); }

  /// Throws one Error that names all required keys that were not there.
  void check_missing() const;

  /// Throws one Error that names all keys nobody asked for, unless they are null or in `accepted`.
  void check_unknown(const std::vector<std::string>& accepted) const;

  const std::string& what() const { return what_; }

 private:
  const Json* find(const std::string& key);
  std::int64_t checked_integer(const Json& value, const std::string& key, std::int64_t low,
                               std::int64_t high) const;
  double checked_number(const Json& value, const std::string& key, double low, double high) const;

  const Json& object_;
  std::string what_;
  std::set<std::string> known_;
  std::vector<std::string> missing_;
};

}  // namespace nestor::config
