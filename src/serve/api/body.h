// The JSON object of a request, read key by key: whatever is not asked for in the end is refused by name.
// A null counts as absent, as official clients send it.
#pragma once

#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "serve/api/request_error.h"

namespace nestor::serve {

/// The values that a body may have, and again the texts of JSON within it together. Twice the ids of a long
/// prompt; each takes some 16 to 200 bytes.
inline constexpr std::size_t kMostJsonValues = 1U << 19;

/// The document of a request. Throws Error(bad_input), and Error(limit) for too many values.
Json parse_body(std::string_view text);

class Body {
 public:
  /// `place` names the object in messages: empty for the request itself, else "messages[2]". Throws
  /// RequestError(bad_input) if it is not an object. Refers to the object.
  explicit Body(const Json& object, std::string place = {});

  /// The value, or nothing. From now on the key is known.
  const Json* any(std::string_view key);

  /// Throw RequestError(bad_input) for a value of another type or out of range.
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view key, double least, double most);
  std::optional<std::string> text(std::string_view key);
  const Json* array(std::string_view key);
  const Json* object(std::string_view key);

  /// Keys whose values cannot change an answer.
  void pass_over(std::initializer_list<std::string_view> keys);
  /// Throws RequestError(unsupported) if the key is there with another value than this, which is what is done
  /// anyway.
  void only(std::string_view key, const Json& value, std::string_view why);
  /// Throws RequestError(unsupported) if the key is there.
  void refuse(std::string_view key, std::string_view why);
  /// Throws RequestError(unsupported) for the first key that was never asked for.
  void refuse_unknown() const;

  /// "messages[2].role"
  std::string path(std::string_view key) const;
  [[noreturn]] void bad(std::string_view key, const std::string& message) const;

 private:
  [[noreturn]] void wrong_type(std::string_view key, const char* expected, const Json& found) const;

  const Json& object_;
  std::string place_;
  std::set<std::string, std::less<>> known_;
};

/// Whole numbers from 0 on, as token ids; `path` names the array.
std::vector<std::int32_t> token_ids(const Json& array, const std::string& path);

}  // namespace nestor::serve
