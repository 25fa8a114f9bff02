// Recipes as JSON, both ways. Reading is strict: every key is known, every value in range.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "recipe/recipe.h"

namespace nestor::recipe {

/// Reads and checks a recipe. `what` names it in messages. Error(bad_input) for values out of range, of the
/// wrong kind or at odds with each other; Error(usage) for an unknown key, with the nearest known one.
Recipe parse_recipe(const Json& json, const std::string& what);

/// Every key with its value, defaults included: parse_recipe(to_json(r)) is r.
Json to_json(const Recipe& recipe);

/// Applies "a.b=value" to a recipe: value is JSON, or a string where it is not. Error(usage) if the text has
/// no '=' or the path leads through something that is no object, Error(bad_input) if the recipe is none.
void apply_override(Json& json, const std::string& assignment);

/// Makes the file names of a recipe absolute: relative ones start at `folder`. Others keys are left alone,
/// wrong ones too: parse_recipe reports them.
void anchor_paths(Json& json, const std::string& folder);

/// All keys with their path ("schedule.steps"), without those of model.config.
std::vector<std::string> known_keys();

}  // namespace nestor::recipe
