// The one list of a recipe's keys: their names, places in the structs and ranges. Reading, writing and
// listing walk it.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "recipe/recipe.h"

namespace nestor::recipe {

class FieldVisitor {
 public:
  virtual ~FieldVisitor() = default;
  virtual void integer(const char* key, std::int64_t& value, std::int64_t low, std::int64_t high) = 0;
  virtual void number(const char* key, double& value, double low, double high) = 0;
  virtual void boolean(const char* key, bool& value) = 0;
  virtual void text(const char* key, std::string& value) = 0;
  virtual void texts(const char* key, std::vector<std::string>& value) = 0;
  /// One of `names`; `value` is its place among them.
  virtual void choice(const char* key, std::span<const char* const> names, int& value) = 0;
  /// An object of its own: `visit` walks what is inside.
  virtual void section(const char* key, const std::function<void(FieldVisitor&)>& visit) = 0;
  /// The keys of a config.json.
  virtual void config(const char* key, Json& value) = 0;
};

void visit_fields(Recipe& recipe, FieldVisitor& visitor);

}  // namespace nestor::recipe
