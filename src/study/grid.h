// Which runs a study has: a base recipe, what each run changes in it, and the seeds. A grid is a JSON object.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "recipe/recipe.h"

namespace nestor::study {

/// Larger files of a study are none.
inline constexpr std::uint64_t kMostFileBytes = std::uint64_t{64} << 20;

/// One recipe of the grid. Findings know runs by their names (docs/study.md).
struct Variant {
  std::string name;
  Json recipe;  // without data.tokenizer and data.train, which every study makes for itself
  std::vector<std::uint64_t> seeds;
};

struct TextSpec {
  std::vector<std::string> sources;  // empty: the books that come with Nestor
  std::int64_t bytes = 0;            // about as much text, documents evenly from all of it; 0: all
  std::int64_t vocab_size = 1024;
  std::int64_t questions = 100;  // of the cloze task
};

struct Grid {
  std::string name;
  TextSpec text;
  std::int64_t draws = 3;  // of text in which collisions are counted; 0: none
  std::vector<std::int64_t>
      batches;  // sequences at once that `nestor bench` decodes, for two shapes; empty: none
  std::vector<Variant> variants;
  std::string note;  // what is to be known before it is started
};

/// Error: usage for an unknown key, bad_input for values that make no sense; recipes are checked as those of
/// `nestor train`. `what` names the grid in messages.
Grid parse_grid(const Json& json, const std::string& what);

/// smoke, cpu, ratio, shapes, gpu.
std::vector<std::string> preset_names();
/// The grid of that name as JSON, which may be written to a file and changed. Error(usage) names the presets.
Json preset(const std::string& name);

/// The recipe of a variant, parsed; the names of its data stand for files that need not exist.
recipe::Recipe typed(const Json& recipe, const std::string& what);

}  // namespace nestor::study
