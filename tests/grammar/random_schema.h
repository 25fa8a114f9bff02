// Random schemas, random documents that satisfy them, and a small vocabulary.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/json.h"
#include "grammar/vocabulary.h"

namespace nestor::grammar::testing {

/// Of at most `depth` levels, objects with few properties, references to "#/$defs/d" where the caller defines
/// it.
Json random_schema(std::mt19937& random, int depth);

/// A document as the grammar writes them (properties in order, none that are not listed); nothing where
/// random choice found none. `depth` bounds references.
std::optional<Json> random_document(std::mt19937& random, const Json& schema, const Json& root, int depth);

/// All bytes, many pieces of JSON, halves of characters; control tokens of tool calls; id kStop ends the
/// text.
inline constexpr TokenId kStop = 1;
inline constexpr TokenId kFirstControl = 2;
std::vector<Vocabulary::Entry> small_tokens();
std::vector<Vocabulary::Entry> control_tokens();
std::shared_ptr<const Vocabulary> small_vocabulary();

}  // namespace nestor::grammar::testing
