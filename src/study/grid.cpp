#include "study/grid.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "recipe/recipe_json.h"

namespace nestor::study {
namespace {

// Keys that an object may have; the nearest thing to a schema.
void check_keys(const Json& json, const std::set<std::string>& known, const std::string& what) {
  if (!json.is_object()) fail(ErrorKind::bad_input, "{}: expected an object, found {}", what, kind_of(json));
  for (const auto& [key, value] : json.items()) {
    if (!known.contains(key))
      fail(ErrorKind::usage, "{}: there is no key {}; there are {}", what, in_quotes(key),
           fmt::join(known, ", "));
  }
}

std::int64_t integer(const Json& json, const char* key, std::int64_t otherwise, const std::string& what) {
  const auto found = json.find(key);
  if (found == json.end()) return otherwise;
  if (!found->is_number_integer() || *found < 0 || *found > std::int64_t{1} << 40)
    fail(ErrorKind::bad_input, "{}: {} is {}, expected a whole number from 0", what, key,
         in_quotes(to_text(*found)));
  return found->get<std::int64_t>();
}

std::string text(const Json& json, const char* key, const std::string& what) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_string() || found->get<std::string>().empty())
    fail(ErrorKind::bad_input, "{}: expected a text at {}", what, key);
  return found->get<std::string>();
}

std::vector<std::uint64_t> seeds(const Json& json, const std::vector<std::uint64_t>& otherwise,
                                 const std::string& what) {
  const auto found = json.find("seeds");
  if (found == json.end()) return otherwise;
  std::vector<std::uint64_t> list;
  for (const Json& seed : *found) {
    if (!seed.is_number_integer() || seed < 0)
      fail(ErrorKind::bad_input, "{}: a seed is {}, expected a whole number from 0", what,
           in_quotes(to_text(seed)));
    list.push_back(seed.get<std::uint64_t>());
  }
  if (list.empty() || std::set(list.begin(), list.end()).size() != list.size())
    fail(ErrorKind::bad_input, "{}: expected a list of different seeds", what);
  return list;
}

// Names become parts of file names and of tables.
void check_name(const std::string& name, const std::string& what) {
  const bool plain =
      std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '.'; });
  if (!plain || name.size() > 60)
    fail(ErrorKind::bad_input, "{}: the name {} should be at most 60 letters, digits, '-' and '.'", what,
         in_quotes(name));
}

TextSpec text_spec(const Json& json, const std::string& what) {
  TextSpec spec;
  if (!json.contains("text")) return spec;
  const Json& given = json["text"];
  const std::string where = what + ": text";
  check_keys(given, {"sources", "bytes", "vocab_size", "questions"}, where);
  if (given.contains("sources")) {
    for (const Json& source : given["sources"]) {
      if (!source.is_string()) fail(ErrorKind::bad_input, "{}: expected names of files in sources", where);
      spec.sources.push_back(source.get<std::string>());
    }
  }
  spec.bytes = integer(given, "bytes", spec.bytes, where);
  spec.vocab_size = integer(given, "vocab_size", spec.vocab_size, where);
  spec.questions = integer(given, "questions", spec.questions, where);
  return spec;
}

Variant variant(const Json& base, const Json& json, const std::vector<std::uint64_t>& otherwise,
                const std::string& what) {
  check_keys(json, {"name", "set", "seeds"}, what);
  Variant made{text(json, "name", what), base, seeds(json, otherwise, what)};
  check_name(made.name, what);
  const std::string where = what + " " + made.name;
  if (json.contains("set")) {
    if (!json["set"].is_object()) fail(ErrorKind::bad_input, "{}: expected an object at set", where);
    for (const auto& [key, value] : json["set"].items())
      recipe::apply_override(made.recipe, key + "=" + to_text(value));
  }
  made.recipe["name"] = made.name;
  const recipe::Recipe checked = typed(made.recipe, where);
  if (checked.products == recipe::Choice::measured)
    fail(ErrorKind::usage, "{}: products must be f32 or bf16, so that all runs compute alike", where);
  return made;
}

}  // namespace

recipe::Recipe typed(const Json& recipe, const std::string& what) {
  Json complete = recipe;
  complete["data"]["tokenizer"] = "tokenizer";
  complete["data"]["train"] = {"corpus"};
  return recipe::parse_recipe(complete, what);
}

Grid parse_grid(const Json& json, const std::string& what) {
  check_keys(json, {"name", "note", "text", "draws", "batches", "seeds", "base", "runs"}, what);
  Grid grid;
  grid.name = text(json, "name", what);
  check_name(grid.name, what);
  if (json.contains("note")) grid.note = text(json, "note", what);
  grid.text = text_spec(json, what);
  grid.draws = integer(json, "draws", grid.draws, what);
  if (json.contains("batches")) {
    for (const Json& batch : json["batches"]) {
      if (!batch.is_number_integer() || batch < 1 || batch > 4096)
        fail(ErrorKind::bad_input, "{}: a batch is {}, expected 1 to 4096", what, in_quotes(to_text(batch)));
      grid.batches.push_back(batch.get<std::int64_t>());
    }
  }
  if (!json.contains("base") || !json["base"].is_object() ||
      (json["base"].contains("data") && !json["base"]["data"].is_object()))
    fail(ErrorKind::bad_input, "{}: expected a recipe at base", what);
  const std::vector<std::uint64_t> all = seeds(json, {1, 2, 3}, what);
  std::set<std::string> names;
  if (!json.contains("runs") || !json["runs"].is_array())
    fail(ErrorKind::bad_input, "{}: expected a list at runs", what);
  for (const Json& run : json["runs"]) {
    grid.variants.push_back(variant(json["base"], run, all, what + ": run"));
    const std::string& name = grid.variants.back().name;
    if (!names.insert(name).second) fail(ErrorKind::bad_input, "{}: two runs have the name {}", what, name);
  }
  return grid;
}

}  // namespace nestor::study
