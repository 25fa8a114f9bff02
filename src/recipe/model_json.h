// What a recipe says of the model, made complete: facts of the family that a recipe may leave out, and the
// twin without n-gram tables.
#pragma once

#include <string>

#include "base/json.h"
#include "recipe/recipe.h"

namespace nestor::recipe {

/// The config.json of the same model without N-gram Embedding and per-layer embeddings: as many experts more
/// as bring the number of parameters nearest to what it was. Width, depth, identity experts and picks stay,
/// so that with the same wanted number of experts per token both compute as much.
Json vanilla_twin(const Json& config_json);

/// Completes model.config_json, parses it into model.config and settles what depends on both. Error as
/// config::parse_config.
void complete_model(Recipe& recipe, const std::string& what);

/// The config.json of what is trained: of the twin if the recipe asks for it.
Json trained_config_json(const Modeling& model);

}  // namespace nestor::recipe
